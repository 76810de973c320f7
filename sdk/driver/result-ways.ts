import { depthFor } from "../core/pack-depth.ts";
import type { LabPlan } from "../planning.ts";
import type { ControlTable } from "../stores/control-table.ts";
import { packedSizes } from "../stores/pack-sizes.ts";
import { noteType } from "../stores/result-types.ts";
import { positionsByType } from "../stores/results.ts";
import type { Assignment } from "../wire/attempt.ts";
import { depthHeader, KEYED_HEADER } from "../wire/keys.ts";
import type { LookedUp } from "./look-up.ts";

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
 * How the results of each task type are stored, where a table has packs: in these, at a depth that keeps each look-up
 * small, or under their own keys where executors write none. Never deeper, or under keys, unless it was said before in
 * an item beside the packs: so that a look-up need not ask where nothing can be. And never before the type is in the list
 * of all types.
 */
export class ResultWays {
  readonly #options: ResultWaysOptions;
  /** Of packs, by task name. */
  readonly #depths = new Map<string, number>();

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
      const toRun = positions.filter((position) => needed[position] && !records[position]);
      // What has to be made again all the same goes where nothing needs to be said, beyond what those say that are there.
      const isMore = toRun.length > 0 || !positions.some((position) => records[position]);
      if (mayPack && !isMore) return;
      const { key } = plan.tasks[toRun[0] ?? positions[0]];
      const sizes = await packedSizes(packs, type, key, JUST_READ_MS);
      const { partitionBytes, count, rowBytes: knownBytes, hasKeyed, isListed } = sizes;
      if (!isListed) await noteType(table, type);
      if (!mayPack) {
        if (!hasKeyed) await packs.note(type, KEYED_HEADER);
        return;
      }
      // What packs have beside their rows is shared by more the more there are.
      const rowBytes = count < FEW ? ROW_BYTES : knownBytes;
      const depth = depthFor(partitionBytes, toRun.length * rowBytes);
      if (!partitionBytes.has(depth)) await packs.note(type, depthHeader(depth));
      this.#depths.set(type.name, depth);
    });
    await Promise.all(chosen);
  }

  /** How executors are to store results of these types; nothing where each goes under its own key. */
  of(names: Iterable<string>): Pick<Assignment, "packed" | "packDepths"> {
    const { table, mayPack } = this.#options;
    if (!table.packs || !mayPack) return {};
    const deep = [...names].filter((name) => this.depthOf(name) > 0);
    if (deep.length === 0) return { packed: true };
    return { packed: true, packDepths: Object.fromEntries(deep.map((name) => [name, this.depthOf(name)])) };
  }

  /** By how many digits of keys packs of a type are divided. */
  depthOf(name: string): number {
    return this.#depths.get(name) ?? 0;
  }
}
