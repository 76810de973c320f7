import { GetAccountSettingsCommand, InvokeCommand, LambdaClient } from "@aws-sdk/client-lambda";
import { NodeHttpHandler } from "@smithy/node-http-handler";
import type { Assignment } from "../../wire/attempt.ts";
import { type InvocationResponse, type InvocationResult, readResponse, toPayload } from "../../wire/invocation.ts";
import { PROTOCOL_VERSION } from "../../wire/protocol.ts";
import type { HandOver } from "../runner.ts";

/**
 * How long an answer is awaited on a socket, in milliseconds. NAT gateways and home routers drop a
 * connection that has been idle for 350 s without a word.
 */
const SOCKET_TRUSTED_MS = 320_000;
const CONNECTION_TIMEOUT_MS = 10_000;
/** Lambda queues an event in a moment; an answer that has not come by then, in milliseconds, will not come. */
const QUEUED_WITHIN_MS = 20_000;
const START_TRIES = 3;
/** As many sockets as invocations may be in flight: the scheduler bounds those. */
const MAX_SOCKETS = 10_000;

/** What Lambda answered. */
export type InvokeAnswer =
  | { readonly kind: "result"; readonly result: InvocationResult }
  /** The function failed before it could answer for itself. */
  | {
      readonly kind: "function-error";
      readonly errorType?: string;
      readonly errorMessage?: string;
      readonly logTail?: string;
    }
  /** The answer did not come while it could be trusted to. */
  | { readonly kind: "no-answer" };

/** Lambda, as far as a lab needs it. The SDK's own retries are off: each would be a second attempt, unnoticed. */
export class Lambda {
  readonly #client: LambdaClient;

  constructor(region: string) {
    this.#client = new LambdaClient({
      region,
      maxAttempts: 1,
      requestHandler: new NodeHttpHandler({
        connectionTimeout: CONNECTION_TIMEOUT_MS,
        socketTimeout: SOCKET_TRUSTED_MS,
        httpAgent: { keepAlive: true, maxSockets: MAX_SOCKETS },
        httpsAgent: { keepAlive: true, maxSockets: MAX_SOCKETS },
      }),
    });
  }

  /** Invocations at once that the account allows; undefined where that may not be asked. */
  async concurrencyQuota(): Promise<number | undefined> {
    try {
      const { AccountLimit } = await this.#client.send(new GetAccountSettingsCommand({}));
      return AccountLimit?.UnreservedConcurrentExecutions ?? AccountLimit?.ConcurrentExecutions;
    } catch {
      return undefined;
    }
  }

  /** Invokes and waits for the answer. @throws the SDK's error when the call itself fails. */
  async invoke(functionName: string, assignment: Assignment): Promise<InvokeAnswer> {
    const abort = AbortSignal.timeout(SOCKET_TRUSTED_MS);
    try {
      const { FunctionError, Payload, LogResult } = await this.#client.send(
        new InvokeCommand({
          FunctionName: functionName,
          InvocationType: "RequestResponse",
          LogType: "Tail",
          Payload: JSON.stringify(toPayload(assignment)),
        }),
        { abortSignal: abort },
      );
      const answer = JSON.parse(Payload?.transformToString() || "null") as Record<string, string> | null;
      if (FunctionError === undefined) return readAnswer(answer);
      const { errorType, errorMessage } = answer ?? {};
      return {
        kind: "function-error",
        ...(errorType === undefined ? {} : { errorType }),
        ...(errorMessage === undefined ? {} : { errorMessage }),
        ...(LogResult === undefined ? {} : { logTail: Buffer.from(LogResult, "base64").toString("utf8") }),
      };
    } catch (error) {
      if (abort.aborted) return { kind: "no-answer" };
      throw error;
    }
  }

  /** Has Lambda queue the invocation; what becomes of it is told in the feed. */
  async invokeLater(functionName: string, assignment: Assignment): Promise<void> {
    await this.#client.send(
      new InvokeCommand({
        FunctionName: functionName,
        InvocationType: "Event",
        Payload: JSON.stringify(toPayload(assignment)),
      }),
    );
  }

  /**
   * Has Lambda queue the start of a driver. What is not answered is sent again: of two drivers the second one finds the
   * run taken.
   */
  async startDriver(functionName: string, run: HandOver): Promise<void> {
    const Payload = JSON.stringify({ ...run, protocol: PROTOCOL_VERSION });
    for (let tries = 1; ; tries++) {
      const patience = AbortSignal.timeout(QUEUED_WITHIN_MS);
      const command = new InvokeCommand({ FunctionName: functionName, InvocationType: "Event", Payload });
      try {
        await this.#client.send(command, { abortSignal: patience });
        return;
      } catch (error) {
        if (!patience.aborted || tries === START_TRIES) throw error;
      }
    }
  }

  close(): void {
    this.#client.destroy();
  }
}

function readAnswer(answer: unknown): InvokeAnswer {
  const response = answer as InvocationResponse | null;
  if (typeof response?.protocol === "number" && typeof response.result === "string") {
    try {
      return { kind: "result", result: readResponse(response) };
    } catch (error) {
      return { kind: "function-error", errorMessage: (error as Error).message };
    }
  }
  return {
    kind: "function-error",
    errorMessage: `the function gave an answer that is none of stratolab's: ${JSON.stringify(answer).slice(0, 200)}`,
  };
}
