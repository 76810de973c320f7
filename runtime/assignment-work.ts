import type { Stores } from "../sdk/stores/stores.ts";
import type { Assignment } from "../sdk/wire/attempt.ts";
import type { AttemptReport } from "../sdk/wire/invocation.ts";
import type { NestedAnswer } from "../sdk/wire/nested.ts";
import { FanIns } from "./fan-ins.ts";
import type { AssignmentEnd, AssignmentListener } from "./process-keeper.ts";
import { ResultPacker } from "./result-packer.ts";
import type { Supervisor } from "./supervisor.ts";

interface AssignmentWorkOptions {
  readonly assignment: Assignment;
  readonly supervisor: Supervisor;
  /** Opens the stores, with a meter that counts for whoever supervises alone. */
  stores(): Promise<Stores>;
  /** `report` is told of what is durable, and of what needs not be. */
  readonly listener: AssignmentListener;
  /** When the service ends the executor, in milliseconds since the epoch. Default never. */
  readonly deadline?: number;
  /** Whether there may be more behind what was assigned. */
  mayGoOn(): boolean;
}

/** What may begin by itself needs at least so long until the deadline, in milliseconds. */
const LEAST_MS = 30_000;

/**
 * An assignment being worked off in the cloud: its attempts below the supervisor, their results in packs, and behind
 * them the fan-ins that they have brought the last input of.
 */
export class AssignmentWork {
  readonly #options: AssignmentWorkOptions;
  readonly #packer: ResultPacker;
  readonly #fanIns: FanIns;
  readonly #dropped = new Set<number>();

  constructor(options: AssignmentWorkOptions) {
    this.#options = options;
    const { assignment, deadline = Number.POSITIVE_INFINITY, listener } = options;
    this.#fanIns = new FanIns({
      assignment,
      stores: options.stores,
      mayGoOn: () => options.mayGoOn() && deadline - Date.now() > LEAST_MS,
      report: (report) => listener.report(report),
    });
    this.#packer = new ResultPacker({
      assignment,
      stores: options.stores,
      report: (report) => this.#fanIns.report(report),
    });
  }

  /** Resolves when all that was reported has been told. */
  async run(): Promise<AssignmentEnd> {
    const { assignment, supervisor, listener: outer, deadline } = this.#options;
    const listener: AssignmentListener = {
      ...outer,
      report: (report: AttemptReport) => this.#packer.report(report),
      nested: (message) => {
        // What was done before it in the same batch may be what it asks for.
        this.#packer.flush();
        outer.nested(message);
      },
    };
    let end = await supervisor.run(assignment, listener, deadline);
    await this.#packer.finish();
    for (let next = await this.#fanIns.next(); next.length > 0 && !end.broken; next = await this.#fanIns.next()) {
      const attempts = next.filter(({ task }) => !this.#dropped.has(task));
      for (const { task, attempt } of next) {
        if (!this.#dropped.has(task)) continue;
        const outcome = { kind: "cancelled", seen: "cancelled before it began" } as const;
        outer.report({ task, attempt, outcome });
      }
      if (attempts.length === 0) continue;
      this.#packer.add(attempts);
      end = await supervisor.run({ ...assignment, attempts }, listener, deadline);
      await this.#packer.finish();
    }
    return end;
  }

  /** Tells attempts that nobody waits for them; what still runs after the grace is ended. */
  cancel(tasks: readonly number[], graceMs: number): void {
    for (const task of tasks) this.#dropped.add(task);
    this.#options.supervisor.cancel(this.#options.assignment.id, tasks, graceMs);
  }

  /** Passes on what became of tasks that a running one runs. */
  answer(answer: NestedAnswer): void {
    this.#options.supervisor.answer(this.#options.assignment.id, answer);
  }
}
