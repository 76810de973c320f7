import type { LabPlan } from "../planning.ts";
import type { ControlTable } from "../stores/control-table.ts";
import { positionsByType } from "../stores/results.ts";
import type { LookedUp } from "./look-up.ts";

/**
 * A task type has packs up to this many bytes, since whoever looks for one of its results reads all of them: as much as
 * DynamoDB gives in answer to one query.
 */
const MOST_PACKED_BYTES = 1_000_000;
/** What a result is taken to need in a pack, in bytes, where few are there to tell. */
const ROW_BYTES = 100;
const FEW = 16;
/** What was read of packs so long ago, in milliseconds, is taken as it was: the look-up has just read it. */
const JUST_READ_MS = 5_000;

interface ResultWaysOptions {
  readonly table: ControlTable;
  readonly namespace: string;
  /** Whether executors write packs. */
  readonly mayPack: boolean;
}

/**
 * How the results of each task type are stored, where a table has both ways: in packs as long as those are small, under
 * their own keys beyond. Never both unless it was said before, in an item beside the packs: so that a look-up need not
 * ask for keys where there are packs only.
 */
export class ResultWays {
  readonly #options: ResultWaysOptions;
  readonly #packed = new Map<string, boolean>();

  constructor(options: ResultWaysOptions) {
    this.#options = options;
  }

  /** Decides for the tasks of a plan, before the first of them is dispatched. */
  async choose(plan: LabPlan, { records, needed }: LookedUp): Promise<void> {
    const { table, namespace, mayPack } = this.#options;
    const { packs } = table;
    if (!packs) return;
    const types = plan.tasks.map(({ name, version }) => ({ namespace, name, version }));
    const chosen = positionsByType(types).map(async (positions) => {
      const type = types[positions[0]];
      if (this.#packed.get(type.name) === false) return;
      const { bytes, count, hasKeyed, rowBytes: knownBytes } = await packs.read(type, JUST_READ_MS);
      // What packs have beside their rows is shared by more the more there are.
      const rowBytes = count < FEW ? ROW_BYTES : knownBytes;
      const toRun = positions.filter((position) => needed[position] && !records[position]).length;
      const isPacked = mayPack && (toRun === 0 || bytes + toRun * rowBytes <= MOST_PACKED_BYTES);
      if (!isPacked && !hasKeyed) await packs.noteKeyed(type);
      this.#packed.set(type.name, isPacked);
    });
    await Promise.all(chosen);
  }

  /** Whether results of this type are to be packed. Where they need not be, they may be all the same. */
  isPacked(name: string): boolean {
    return this.#packed.get(name) ?? false;
  }
}
