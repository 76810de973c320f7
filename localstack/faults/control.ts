import type { Counts } from "../proxy/counts.ts";
import type { FaultState } from "./engine.ts";
import { FaultPlanError } from "./fault-plan-error.ts";
import type { FaultPlan } from "./rules.ts";

/** Address of the local AWS where none is set. */
export const DEFAULT_ENDPOINT = "http://127.0.0.1:4566";

/** A fault plan in use. Disposing of it clears it. */
export interface ActiveFaults extends AsyncDisposable {
  /** Gives the same faults again. */
  readonly seed: number;
  /** Its rules now, and what each has hit. */
  state(): Promise<FaultState>;
  clear(): Promise<void>;
}

/** The faults of a local AWS. */
export interface FaultControl {
  /**
   * Replaces what is to go wrong, and begins to count anew.
   *
   * @throws FaultPlanError for a plan that means nothing; then nothing changes.
   */
  set(plan: FaultPlan): Promise<ActiveFaults>;
  /** From now on nothing goes wrong. What has begun, such as a Spot notice that runs, goes on. */
  clear(): Promise<void>;
  /** The rules now, and what each has hit. */
  list(): Promise<FaultState>;
}

/** A local AWS, as far as it can be told to misbehave and asked what it was asked. */
export interface LocalAwsControl {
  readonly faults: FaultControl;
  /** Requests so far, by operation and by task. */
  counts(): Promise<Counts>;
  resetCounts(): Promise<void>;
}

/**
 * The faults and counts of a local AWS that runs, in this process or another.
 *
 * @param endpoint Its address. Default: `AWS_ENDPOINT_URL`, else `http://127.0.0.1:4566`.
 * @example
 * const aws = connectLocalAws();
 * await using faults = await aws.faults.set({ seed: 7, rules: [{ fault: "lost-answer", rate: 0.02 }] });
 * // …
 * console.log((await aws.counts()).operations["lambda:Invoke"]);
 */
export function connectLocalAws(endpoint = process.env.AWS_ENDPOINT_URL ?? DEFAULT_ENDPOINT): LocalAwsControl {
  const ask = <T>(method: string, what: string, body?: object) => askAdmin<T>(endpoint, method, what, body);
  const clear = async () => void (await ask("DELETE", "faults"));
  const list = () => ask<FaultState>("GET", "faults");
  return {
    faults: {
      async set(plan) {
        const { seed } = await ask<FaultState>("PUT", "faults", plan);
        return { seed, state: list, clear, [Symbol.asyncDispose]: clear };
      },
      clear,
      list,
    },
    counts: () => ask("GET", "counts"),
    resetCounts: async () => void (await ask("DELETE", "counts")),
  };
}

async function askAdmin<T>(endpoint: string, method: string, what: string, body: object | undefined): Promise<T> {
  const init =
    body === undefined ? {} : { body: JSON.stringify(body), headers: { "content-type": "application/json" } };
  const none = `no local AWS answers at ${endpoint}: start one with "npm run localstack", or name its address`;
  const response = await fetch(new URL(`/_stratolab/${what}`, endpoint), { method, ...init }).catch((error: Error) => {
    throw new Error(none, { cause: error });
  });
  const answer = (await response.json().catch(() => undefined)) as { message?: string } | undefined;
  if (response.status === 400 && answer?.message) throw new FaultPlanError(answer.message);
  if (!response.ok || answer === undefined) throw new Error(`${none} (something else answered ${response.status})`);
  return answer as T;
}
