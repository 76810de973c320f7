import { describe, expect, test } from "vitest";
import {
  classifyInvokeError,
  classifyLambdaError,
  type InvokeError,
  isThrottle,
  type LambdaFunctionError,
} from "../../sdk/core/classify-lambda.ts";
import type { FailureKind } from "../../sdk/wire/outcome.ts";

const report = (sizeMb: number, usedMb: number) =>
  `END RequestId: 8f5a\nREPORT RequestId: 8f5a\tDuration: 12.00 ms\tBilled Duration: 13 ms\tMemory Size: ${sizeMb} MB\tMax Memory Used: ${usedMb} MB\t\n`;

describe("what Lambda answers when the function dies", () => {
  // AWS's own words, from issue threads and its documentation.
  test.each<[string, LambdaFunctionError, FailureKind]>([
    [
      "out of memory, as told today",
      {
        errorType: "Runtime.OutOfMemory",
        errorMessage: "RequestId: … Error: Runtime exited with error: signal: killed",
      },
      "out-of-memory",
    ],
    [
      "out of memory, as told by older and other runtimes",
      {
        errorType: "Runtime.ExitError",
        errorMessage: "RequestId: … Error: Runtime exited with error: signal: killed",
      },
      "out-of-memory",
    ],
    [
      "killed, with a report of full memory",
      {
        errorType: "Runtime.ExitError",
        errorMessage: "RequestId: … Error: Runtime exited with error: signal: killed",
        logTail: report(512, 511),
      },
      "out-of-memory",
    ],
    [
      "killed, with a report of much memory left",
      {
        errorType: "Runtime.ExitError",
        errorMessage: "RequestId: … Error: Runtime exited with error: signal: killed",
        logTail: report(512, 100),
      },
      "executor-lost",
    ],
    [
      "an exit",
      {
        errorType: "Runtime.ExitError",
        errorMessage: "RequestId: … Error: Runtime exited with error: exit status 1",
      },
      "executor-lost",
    ],
    [
      "exit 137 as the runtime saw it, with 18 MB of 256 used",
      {
        errorType: "Runtime.ExitError",
        errorMessage: "RequestId: … Error: Runtime exited with error: exit status 137",
        logTail: "Memory Size: 256 MB Max Memory Used: 18 MB",
      },
      "executor-lost",
    ],
    [
      "exit 137 as the runtime saw it, with all memory used",
      {
        errorType: "Runtime.ExitError",
        errorMessage: "RequestId: … Error: Runtime exited with error: exit status 137",
        logTail: report(256, 256),
      },
      "out-of-memory",
    ],
    [
      "exit 137 without a report",
      {
        errorType: "Runtime.ExitError",
        errorMessage: "RequestId: … Error: Runtime exited with error: exit status 137",
      },
      "executor-lost",
    ],
    [
      "a native crash",
      {
        errorType: "Runtime.ExitError",
        errorMessage: "RequestId: … Error: Runtime exited with error: signal: segmentation fault (core dumped)",
      },
      "executor-lost",
    ],
    [
      "left without a reason",
      {
        errorType: "Runtime.ExitError",
        errorMessage: "RequestId: … Error: Runtime exited without providing a reason",
      },
      "executor-lost",
    ],
    [
      "the deadline, as told today",
      { errorType: "Sandbox.Timedout", errorMessage: "RequestId: … Error: Task timed out after 3.00 seconds" },
      "timeout",
    ],
    [
      "the deadline, as told before, without an errorType",
      {
        errorMessage: "2022-01-13T00:58:08.879Z 28931c40-… Task timed out after 60.06 seconds",
      },
      "timeout",
    ],
    [
      "the deadline of a function that was thrashing for want of memory",
      {
        errorType: "Sandbox.Timedout",
        errorMessage: "RequestId: … Error: Task timed out after 900.00 seconds",
        logTail: report(512, 512),
      },
      "out-of-memory",
    ],
    [
      "the deadline of a function with memory left",
      {
        errorType: "Sandbox.Timedout",
        errorMessage: "RequestId: … Error: Task timed out after 900.00 seconds",
        logTail: report(512, 200),
      },
      "timeout",
    ],
    [
      "a result that cannot be encoded, in Python's word",
      {
        errorType: "Runtime.MarshalError",
        errorMessage: "Unable to marshal response: Object is not JSON serializable",
      },
      "user-error",
    ],
    [
      "a death as the local emulator tells it",
      { errorType: "Runtime.HandlerError", errorMessage: "Worker process died" },
      "executor-lost",
    ],
    ["nothing at all", {}, "executor-lost"],
  ])("%s", (_, answer, kind) => {
    expect(classifyLambdaError(answer).kind).toBe(kind);
  });

  test("only the function's own timeout counts as the service's limit", () => {
    const message = "RequestId: … Error: Task timed out after 3.00 seconds";
    expect(classifyLambdaError({ errorMessage: message })).toMatchObject({ kind: "timeout", atServiceLimit: true });
    expect(classifyLambdaError({ errorMessage: message, logTail: report(128, 128) })).not.toHaveProperty(
      "atServiceLimit",
    );
    expect(classifyLambdaError({ errorType: "Runtime.ExitError" })).not.toHaveProperty("atServiceLimit");
  });

  test("what was seen is told in AWS's words, with the memory that was used", () => {
    const errorMessage = "RequestId: 1 Error: Runtime exited with error: signal: killed";
    expect(classifyLambdaError({ errorType: "Runtime.ExitError", errorMessage, logTail: report(512, 511) }).seen).toBe(
      `Runtime.ExitError: ${errorMessage} (511 of 512 MB used)`,
    );
    expect(classifyLambdaError({}).seen).toBe("the function failed without a word");
  });

  test("the report is found at the end of a log tail full of the task's own words", () => {
    const own = "Memory Size is what I print\n".repeat(100);
    const errorMessage = "Runtime exited with error: signal: killed";
    expect(classifyLambdaError({ errorMessage, logTail: own + report(1_769, 60) }).kind).toBe("executor-lost");
  });

  test("a task that prints a report of its own does not pass for Lambda's", () => {
    const forged = "Memory Size: 1 MB Max Memory Used: 1 MB\n";
    const errorMessage = "Runtime exited with error: signal: killed";
    expect(classifyLambdaError({ errorMessage, logTail: forged + report(1_769, 60) }).kind).toBe("executor-lost");
  });
});

describe("what an Invoke call is refused with", () => {
  const error = (name: string, status: number | undefined, message = "…"): InvokeError => ({ name, status, message });

  test.each([
    "ConcurrentInvocationLimitExceeded",
    "FunctionInvocationRateLimitExceeded",
    "ReservedFunctionConcurrentInvocationLimitExceeded",
    "ReservedFunctionInvocationRateLimitExceeded",
    "CallerRateLimitExceeded",
    "ConcurrentSnapshotCreateLimitExceeded",
  ])("too many requests for the reason %s is a throttle, and nothing has run", (reason) => {
    const classified = classifyInvokeError({ ...error("TooManyRequestsException", 429, "Rate Exceeded."), reason });
    expect(classified).toEqual({
      kind: "throttled",
      seen: `TooManyRequestsException (${reason}): Rate Exceeded.`,
      mayHaveRun: false,
    });
  });

  test.each<[string, InvokeError, FailureKind, boolean]>([
    ["an answer of 429 by any name", error("UnknownError", 429), "throttled", false],
    ["RequestTooLargeException", error("RequestTooLargeException", 413), "start-failed", false],
    ["ResourceNotReadyException", error("ResourceNotReadyException", 502), "throttled", false],
    ["EC2ThrottledException", error("EC2ThrottledException", 502), "throttled", false],
    ["ENILimitReachedException", error("ENILimitReachedException", 502), "throttled", false],
    ["SubnetIPAddressLimitReachedException", error("SubnetIPAddressLimitReachedException", 502), "throttled", false],
    ["RecursiveInvocationException", error("RecursiveInvocationException", 400), "start-failed", false],
    ["ServiceException", error("ServiceException", 500), "throttled", false],
    ["ThrottlingException", error("ThrottlingException", 400, "Rate exceeded"), "throttled", false],
    ["SlowDown", error("SlowDown", 503, "Please reduce your request rate."), "throttled", false],
    [
      "a throttle told inside another error's text",
      error(
        "ClientException",
        400,
        "An error occurred (ThrottlingException) when calling the RunTask operation (reached max retries: 2): Rate exceeded",
      ),
      "throttled",
      false,
    ],
    [
      "a throttle told by its name alone inside another error's text",
      error("ServerException", 500, "call to a dependency failed: ThrottlingException"),
      "throttled",
      false,
    ],
    ["a function that is not there", error("ResourceNotFoundException", 404), "start-failed", false],
    ["no permission", error("AccessDeniedException", 403), "start-failed", false],
    [
      "a connection refused",
      error("ECONNREFUSED", undefined, "connect ECONNREFUSED 127.0.0.1:4566"),
      "throttled",
      false,
    ],
    ["a name that does not resolve", error("ENOTFOUND", undefined, "getaddrinfo ENOTFOUND lambda"), "throttled", false],
    [
      "a connection reset after the request was sent",
      error("ECONNRESET", undefined, "socket hang up"),
      "executor-lost",
      true,
    ],
    ["a socket that timed out", error("TimeoutError", undefined, "socket timed out"), "executor-lost", true],
    ["an answer of 500 by an unknown name", error("InternalFailure", 500), "executor-lost", true],
  ])("%s", (_, refusal, kind, mayHaveRun) => {
    expect(classifyInvokeError(refusal)).toMatchObject({ kind, mayHaveRun });
  });

  test("only what says so is a throttle", () => {
    expect(isThrottle(error("ValidationException", 400, "the name is too long"))).toBe(false);
    expect(isThrottle(error("Error", undefined, "Capacity is unavailable at this time"))).toBe(true);
  });
});
