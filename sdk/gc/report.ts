import type { OBJECT_FOLDERS } from "../wire/keys.ts";
import { CHECKPOINT_PREFIX, FEED_PREFIX, INBOX_PREFIX, LABS_PARTITION, RESULT_PREFIX } from "../wire/keys.ts";

/** What a clean-up removes, by kind: items of the control table, objects by folder, files of this machine. */
export type GarbageKind =
  | "old results"
  | "code versions"
  | "task types"
  | "expired checkpoints"
  | "expired letters"
  | "expired feed entries"
  | "expired life signs"
  | "other expired items"
  | (typeof OBJECT_FOLDERS)[number]
  | "local bundles"
  | "driver logs"
  | "runtime environments"
  | "unfinished files";

/** How many of one kind, and how large where that is known. */
export interface Amount {
  readonly count: number;
  readonly bytes: number;
}

/** What a clean-up came to. */
export interface GcReport {
  /** Nothing was removed: this is what would be. */
  readonly dryRun: boolean;
  readonly removed: Readonly<Partial<Record<GarbageKind, Amount>>>;
  readonly freedBytes: number;
  /** Objects that stay, because something names them or because they are too young to tell. */
  readonly kept: Amount;
  /** Labs that may still be there; what they could need is kept. */
  readonly labs: readonly { readonly id: string; readonly since: string }[];
  /** Results older than asked for that stay because of these labs. */
  readonly keptForLabs: number;
}

/** Adds up what a clean-up removes. */
export class Tally {
  readonly #removed = new Map<GarbageKind, { count: number; bytes: number }>();
  readonly kept = { count: 0, bytes: 0 };
  keptForLabs = 0;

  remove(kind: GarbageKind, bytes = 0): void {
    const amount = this.#removed.get(kind) ?? { count: 0, bytes: 0 };
    this.#removed.set(kind, { count: amount.count + 1, bytes: amount.bytes + bytes });
  }

  keep(bytes: number): void {
    this.kept.count += 1;
    this.kept.bytes += bytes;
  }

  report(dryRun: boolean, labs: readonly { readonly id: string; readonly since: number }[]): GcReport {
    const amounts = [...this.#removed.values()];
    return {
      dryRun,
      removed: Object.fromEntries(this.#removed),
      freedBytes: amounts.reduce((sum, { bytes }) => sum + bytes, 0),
      kept: this.kept,
      labs: labs.map(({ id, since }) => ({ id, since: new Date(since).toISOString() })),
      keptForLabs: this.keptForLabs,
    };
  }
}

/** Kind of an item whose time is over. */
export function expiredKind(pk: string): GarbageKind {
  if (pk.startsWith(RESULT_PREFIX)) return "old results";
  if (pk.startsWith(CHECKPOINT_PREFIX)) return "expired checkpoints";
  if (pk.startsWith(INBOX_PREFIX)) return "expired letters";
  if (pk.startsWith(FEED_PREFIX)) return "expired feed entries";
  return pk === LABS_PARTITION ? "expired life signs" : "other expired items";
}
