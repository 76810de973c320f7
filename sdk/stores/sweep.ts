import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { SWEEP_KEY } from "../wire/keys.ts";
import { LabError } from "../wire/lab-error.ts";
import { PROTOCOL_VERSION } from "../wire/protocol.ts";
import type { ControlTable } from "./control-table.ts";

/** A clean-up that has not said anything for so long is gone, in milliseconds. */
const HELD_MS = 5 * 60_000;
/** How long others wait for one round of deletions at most. */
const ROUND_MS = 2 * 60_000;
/** A round begins no deletion after this: what is on its way has the rest of the round to arrive. */
const ROUND_BEGINS_MS = 30_000;
const POLL_MS = 50;

/** Whether a round of deletions was going on; if so, it is over when this returns. */
export async function sweepEnded(table: ControlTable): Promise<boolean> {
  for (let waited = false; ; waited = true) {
    const item = await table.get(SWEEP_KEY);
    if (!item || Number(item.sweep) <= Date.now()) return waited;
    await sleep(POLL_MS);
  }
}

/** The one clean-up of these stores, and its rounds of deletions. */
export class Sweep implements AsyncDisposable {
  readonly #table: ControlTable;
  readonly #owner = randomBytes(8).toString("hex");

  private constructor(table: ControlTable) {
    this.#table = table;
  }

  /** @throws LabError of kind `gc-running` when there is another. */
  static async begin(table: ControlTable): Promise<Sweep> {
    const sweep = new Sweep(table);
    const now = Date.now();
    const written = await table.putIf(sweep.#item(0), { when: "absent-or-below", attribute: "until", value: now });
    if (written.written) return sweep;
    const seconds = Math.ceil((Number(written.existing?.until) - now) / 1_000);
    throw new LabError(
      "gc-running",
      `another clean-up of these results is going on; wait until it is done, or ${seconds} s if it was killed`,
    );
  }

  /** Says that it is still there. */
  async goOn(): Promise<void> {
    await this.#say(0);
  }

  /**
   * Says that objects are being deleted, as long as `body` runs.
   *
   * @param body Is given a function that tells whether there is time to begin another deletion.
   */
  async round<T>(body: (hasTime: () => boolean) => Promise<T>): Promise<T> {
    const began = Date.now();
    await this.#say(began + ROUND_MS);
    try {
      return await body(() => Date.now() - began < ROUND_BEGINS_MS);
    } finally {
      await this.#say(0);
    }
  }

  async #say(sweepingUntil: number): Promise<void> {
    const condition = { when: "equals", attribute: "owner", value: this.#owner } as const;
    const { written } = await this.#table.putIf(this.#item(sweepingUntil), condition);
    if (!written) throw new LabError("gc-running", "another clean-up has taken over: this one was silent too long");
  }

  #item(sweep: number) {
    const until = Date.now() + HELD_MS;
    return { ...SWEEP_KEY, f: PROTOCOL_VERSION, owner: this.#owner, until, sweep, ttl: Math.ceil(until / 1_000) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#table.deleteIf(SWEEP_KEY, { when: "equals", attribute: "owner", value: this.#owner });
  }
}
