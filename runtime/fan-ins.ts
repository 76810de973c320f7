import { bringInputs } from "../sdk/stores/fan-ins.ts";
import type { Stores } from "../sdk/stores/stores.ts";
import type { Assignment, AttemptSpec } from "../sdk/wire/attempt.ts";
import type { FanIn, FanInSpec } from "../sdk/wire/fan-in.ts";
import type { AttemptReport } from "../sdk/wire/invocation.ts";
import { addRequests, type RequestCounts } from "../sdk/wire/requests.ts";
import type { Slot } from "../sdk/wire/slot.ts";

interface FanInsOptions {
  readonly assignment: Assignment;
  /** Opens the stores, with a meter that counts for whoever supervises alone. */
  stores(): Promise<Stores>;
  /** Whether there is time left for more. */
  mayGoOn(): boolean;
  report(report: AttemptReport): void;
}

interface Open {
  readonly fanIn: FanInSpec;
  /** Inputs that attempts of the assignment make, and have not made yet. */
  readonly own: Set<string>;
  /** What they have made, and nobody was told. */
  brought: Record<string, Slot>;
}

/**
 * Lets executors decide among themselves who goes on with a task that they bring the inputs of. Each says what it has
 * brought, when that is durable; the last one has all, and goes on. Whatever goes wrong here, the driver is told of
 * the inputs, and has the task executed.
 */
export class FanIns {
  readonly #options: FanInsOptions;
  readonly #open: Open[];
  readonly #keys: Map<number, string>;
  #won: AttemptSpec[] = [];
  #telling: Promise<void> = Promise.resolve();

  constructor(options: FanInsOptions) {
    this.#options = options;
    const { attempts, fanIns = [] } = options.assignment;
    const own = new Set(attempts.map(({ key }) => key));
    this.#keys = new Map([...attempts, ...fanIns.map(({ spec }) => spec)].map(({ task, key }) => [task, key]));
    this.#open = fanIns.map((fanIn) => ({
      fanIn,
      own: new Set(fanIn.spec.handed?.filter((key) => own.has(key))),
      brought: {},
    }));
  }

  /** An attempt has ended, and its result, if it has one, is there for everybody. */
  report(report: AttemptReport): void {
    if (this.#open.length === 0) this.#options.report(report);
    else this.#telling = this.#telling.then(() => this.#tell(report));
  }

  /** What is to be gone on with, when all that was reported is told. */
  async next(): Promise<AttemptSpec[]> {
    await this.#telling;
    const won = this.#won;
    this.#won = [];
    return won;
  }

  async #tell(report: AttemptReport): Promise<void> {
    const { outcome, task } = report;
    const key = this.#keys.get(task);
    const isThere = outcome.kind === "ok" && !outcome.unstored && key !== undefined;
    if (!isThere || !this.#options.mayGoOn()) {
      const itself = this.#itself(report);
      this.#options.report(itself.length > 0 ? { ...report, goesOnWith: itself } : report);
      return;
    }
    const goesOnWith = this.#itself(report);
    let requests: RequestCounts | undefined;
    for (const open of this.#open) {
      if (!open.fanIn.spec.handed?.includes(key)) continue;
      open.own.delete(key);
      open.brought[key] = outcome.value;
      if (open.own.size > 0) continue;
      const { won, asked } = await this.#bring(open);
      if (asked) requests = requests ? addRequests(requests, asked) : asked;
      if (won) goesOnWith.push(won);
    }
    const all = requests && (outcome.requests ? addRequests(outcome.requests, requests) : requests);
    this.#options.report({
      ...report,
      outcome: all ? { ...outcome, requests: all } : outcome,
      ...(goesOnWith.length > 0 ? { goesOnWith } : {}),
    });
  }

  /** Of a fan-in that was gone on with it is told again, in case its end is heard of first. */
  #itself({ task, attempt }: AttemptReport): FanIn[] {
    return this.#open.some(({ fanIn }) => fanIn.spec.task === task) ? [{ task, attempt }] : [];
  }

  async #bring(open: Open): Promise<{ won?: FanIn; asked?: RequestCounts | undefined }> {
    const { assignment } = this.#options;
    const { handed: _, ...spec } = open.fanIn.spec;
    try {
      const stores = await this.#options.stores();
      const inputs = await bringInputs(stores.table, assignment.runId, open.fanIn, open.brought);
      open.brought = {};
      const asked = stores.requests?.take();
      if (!inputs) return { asked };
      this.#won.push({ ...spec, inputs: { ...spec.inputs, ...inputs } });
      return { won: { task: spec.task, attempt: spec.attempt }, asked };
    } catch (error) {
      // The driver has it executed when it knows of all inputs.
      console.error("stratolab: what a fan-in waits for could not be told:", error);
      return {};
    }
  }
}
