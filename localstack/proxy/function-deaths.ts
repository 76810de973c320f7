import { randomUUID } from "node:crypto";
import type { FunctionDeath } from "../faults/rules.ts";
import type { Answer } from "./answer.ts";

interface Words {
  /** Older answers have none. */
  readonly errorType?: string;
  readonly errorMessage: string;
  /** Share of the function's memory in the REPORT line of the log tail. */
  readonly memoryUsed: number;
}

const SIZE_MB = 512;

/** Lambda's words for each death, today's and older ones, as other projects met them. */
const DEATHS: Readonly<Record<FunctionDeath, (requestId: string) => Words>> = {
  "out-of-memory": exited("Runtime.OutOfMemory", "signal: killed", 1),
  killed: exited("Runtime.ExitError", "signal: killed", 1),
  "exit-1": exited("Runtime.ExitError", "exit status 1", 0.2),
  // Not out of memory, though the number is that of a kill: the log tail shows little use.
  "exit-137": exited("Runtime.ExitError", "exit status 137", 0.07),
  "native-crash": exited("Runtime.ExitError", "signal: segmentation fault (core dumped)", 0.2),
  "no-reason": (requestId) => ({
    errorType: "Runtime.ExitError",
    errorMessage: `RequestId: ${requestId} Error: Runtime exited without providing a reason`,
    memoryUsed: 0.2,
  }),
  timeout: (requestId) => ({
    errorType: "Sandbox.Timedout",
    errorMessage: `RequestId: ${requestId} Error: Task timed out after 3.00 seconds`,
    memoryUsed: 0.2,
  }),
  "timeout-without-type": (requestId) => ({
    errorMessage: `${new Date().toISOString()} ${requestId} Task timed out after 60.06 seconds`,
    memoryUsed: 0.2,
  }),
  // Short of memory, a function may thrash until its time is up.
  thrashing: (requestId) => ({
    errorType: "Sandbox.Timedout",
    errorMessage: `RequestId: ${requestId} Error: Task timed out after 3.00 seconds`,
    memoryUsed: 1,
  }),
  "marshal-error": () => ({
    errorType: "Runtime.MarshalError",
    errorMessage: "Unable to marshal response: the value is not JSON serializable",
    memoryUsed: 0.2,
  }),
};

function exited(errorType: string, how: string, memoryUsed: number): (requestId: string) => Words {
  return (requestId) => ({
    errorType,
    errorMessage: `RequestId: ${requestId} Error: Runtime exited with error: ${how}`,
    memoryUsed,
  });
}

/** Lambda's answer when a function died: a success as far as the call goes. */
export function deathAnswer(death: FunctionDeath): Answer {
  const requestId = randomUUID();
  const { errorType, errorMessage, memoryUsed } = DEATHS[death](requestId);
  const usedMb = Math.max(1, Math.round(SIZE_MB * memoryUsed));
  const logTail =
    `END RequestId: ${requestId}\n` +
    `REPORT RequestId: ${requestId}\tDuration: 3000.00 ms\tBilled Duration: 3000 ms\t` +
    `Memory Size: ${SIZE_MB} MB\tMax Memory Used: ${usedMb} MB\t\n`;
  return functionError(requestId, { ...(errorType !== undefined && { errorType }), errorMessage }, logTail);
}

/** What a function that answers too much is told to have done. */
export const responseTooLarge = (bytes: number, limit: number): Answer =>
  functionError(randomUUID(), {
    errorType: "Function.ResponseSizeTooLarge",
    errorMessage: `Response payload size (${bytes} bytes) exceeded maximum allowed payload size (${limit} bytes).`,
  });

function functionError(requestId: string, payload: object, logTail?: string): Answer {
  return {
    statusCode: 200,
    headers: {
      "content-type": "application/json",
      "x-amzn-requestid": requestId,
      "x-amz-function-error": "Unhandled",
      "x-amz-executed-version": "$LATEST",
      ...(logTail !== undefined && { "x-amz-log-result": Buffer.from(logTail).toString("base64") }),
    },
    body: JSON.stringify(payload),
  };
}
