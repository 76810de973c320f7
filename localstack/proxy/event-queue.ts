import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { AwsRequest } from "./aws-request.ts";
import { type Deliverable, type ServiceAnswer, type ServiceClient, syntheticAnswer } from "./upstream.ts";

/** Between two tries of an event that was throttled, at first and at most; on AWS 1 s and 5 min. */
const FIRST_DELAY_MS = 50;
const LONGEST_DELAY_MS = 1_000;
/** Before an event is given again to a function that failed; on AWS a minute, and two. */
const RETRY_DELAY_MS = 1_000;
/** A function that says nothing else is given an event twice more. */
const RETRIES = 2;
const TOO_MANY_REQUESTS = 429;
const API = "/2015-03-31/functions";
const INVOKE_CONFIG_API = "/2019-09-25/functions";

/** Invocations that run now. */
export interface Invocations {
  running: number;
}

/**
 * Lambda's queue of asynchronous invocations, before an emulator that has none: there, an event that comes
 * while the account has no environment left is lost. On AWS it waits, and is tried again for hours.
 */
export class EventQueue {
  readonly #services: ServiceClient;
  readonly #invocations: Invocations;
  #isClosed = false;

  constructor(services: ServiceClient, invocations: Invocations) {
    this.#services = services;
    this.#invocations = invocations;
  }

  /**
   * Takes an event; answers as soon as it is known that its function exists.
   *
   * @param concurrent How many invocations may run at once.
   */
  async accept(
    endpoint: string,
    message: Deliverable,
    request: AwsRequest,
    concurrent: () => number,
  ): Promise<ServiceAnswer> {
    const name = functionNameIn(message);
    const known = await this.#services.send(endpoint, getting(`${API}/${name}/configuration`), Buffer.alloc(0));
    if (known.statusCode >= 400) return known;
    await known.body.dump();
    void this.#run(endpoint, synchronous(message), request.body, name, concurrent).catch(() => {
      // The emulator has gone, and its functions with it.
    });
    return syntheticAnswer(202, { "x-amzn-requestid": randomUUID(), "x-amz-executed-version": "$LATEST" });
  }

  close(): void {
    this.#isClosed = true;
  }

  async #run(
    endpoint: string,
    invocation: Deliverable,
    body: Buffer,
    name: string,
    concurrent: () => number,
  ): Promise<void> {
    let retriesLeft = await this.#retriesOf(endpoint, name);
    let delayMs = FIRST_DELAY_MS;
    while (!this.#isClosed) {
      const outcome =
        this.#invocations.running < concurrent() ? await this.#invoke(endpoint, invocation, body) : "throttled";
      if (outcome === "done") return;
      if (outcome === "failed") {
        if (retriesLeft === 0) return;
        retriesLeft -= 1;
        await sleep(RETRY_DELAY_MS);
        continue;
      }
      // Free of charge, as on AWS.
      await sleep(delayMs);
      delayMs = Math.min(delayMs * 2, LONGEST_DELAY_MS);
    }
  }

  async #invoke(endpoint: string, invocation: Deliverable, body: Buffer): Promise<"done" | "failed" | "throttled"> {
    this.#invocations.running += 1;
    try {
      const { statusCode, headers, body: answer } = await this.#services.send(endpoint, invocation, body);
      await answer.dump();
      if (statusCode === TOO_MANY_REQUESTS) return "throttled";
      return statusCode >= 400 || headers["x-amz-function-error"] !== undefined ? "failed" : "done";
    } finally {
      this.#invocations.running -= 1;
    }
  }

  async #retriesOf(endpoint: string, name: string): Promise<number> {
    const path = `${INVOKE_CONFIG_API}/${name}/event-invoke-config`;
    const { statusCode, body } = await this.#services.send(endpoint, getting(path), Buffer.alloc(0));
    if (statusCode >= 400) {
      await body.dump();
      return RETRIES;
    }
    const { MaximumRetryAttempts = RETRIES } = (await body.json()) as { MaximumRetryAttempts?: number };
    return MaximumRetryAttempts;
  }
}

/** `/2015-03-31/functions/<name or ARN>/invocations`, as it stands there. */
const functionNameIn = ({ url }: Deliverable): string => url?.split("?")[0]?.split("/")[3] ?? "";

const getting = (url: string): Deliverable => ({ method: "GET", url, rawHeaders: [], headers: {} });

/** The same invocation, whose end is waited for. */
function synchronous({ method, url, rawHeaders, headers }: Deliverable): Deliverable {
  const changed = rawHeaders.map((value, index) =>
    index % 2 === 1 && rawHeaders[index - 1]!.toLowerCase() === "x-amz-invocation-type" ? "RequestResponse" : value,
  );
  return { method, url, rawHeaders: changed, headers };
}
