import { createHash } from "node:crypto";
import { pack, unpack } from "msgpackr";
import type { Demand, RetryPolicy } from "../core/demand.ts";
import type { SpeculationRule } from "../core/speculate.ts";
import type { RecordedRuntimeEnvs } from "../runtime-envs/runtime-envs.ts";
import type { ObjectStore } from "../stores/object-store.ts";
import { loadBytes } from "../stores/values.ts";
import { contentObject } from "../wire/keys.ts";
import type { MemoryMonitor } from "../wire/memory-monitor.ts";
import { PROTOCOL_VERSION } from "../wire/protocol.ts";
import type { Slot } from "../wire/slot.ts";
import { refuseNewer } from "../wire/version.ts";
import type { NestingLimits } from "./nested-accounts.ts";

/** A task of a manifest; its dependencies stand before it. */
export interface ManifestTask {
  readonly key: string;
  readonly name: string;
  readonly version: string;
  /** Positions in the manifest. */
  readonly dependencies: readonly number[];
  readonly params: Slot;
  readonly demand: Demand;
  readonly policy: RetryPolicy;
  /** For how long its result counts, in milliseconds: 0 for its run only, absent for good. */
  readonly keepMs?: number | undefined;
}

/** What a run is made of: enough for any driver to go on with it, and for anybody to see what it was. */
export interface RunManifest {
  /** The user's code, as it is stored. */
  readonly bundle: { readonly hash: string; readonly root: string; readonly taskModule: string };
  /** Code version by task name. */
  readonly versions: readonly (readonly [name: string, version: string])[];
  readonly context: Slot | undefined;
  readonly memoryMonitor: MemoryMonitor | false | undefined;
  /** Attempts at once; undefined for no bound. */
  readonly concurrency: number | undefined;
  readonly nesting: NestingLimits;
  /** When attempts get a second one beside them; absent for never. */
  readonly speculation?: SpeculationRule | undefined;
  /** Absent where no task has one. */
  readonly runtimeEnvs?: RecordedRuntimeEnvs | undefined;
  readonly failFast: boolean;
  /** When the run is to be over, as far as that can be had by routing, in milliseconds since the epoch. */
  readonly endsBy: number | undefined;
  /** What the run may cost over all of its drivers, in dollars. */
  readonly maxCostUsd: number | undefined;
  /** Results count from this generation on; 0 unless the run was to compute everything anew. */
  readonly generation: number;
  readonly tasks: readonly ManifestTask[];
  /** Position of each task asked for. */
  readonly targets: readonly number[];
  /** Which of several returns is asked for, by position in `targets`. */
  readonly parts?: readonly (string | undefined)[] | undefined;
}

/** Larger ones lie in the object store, and the run's record only says where. */
const MAX_INLINE_BYTES = 1_500;

/** What tasks of one kind have in common is written once. */
type Row = readonly [kind: number, key: Uint8Array, dependencies: readonly number[], params: Slot];
type Kind = Pick<ManifestTask, "name" | "version" | "demand" | "policy" | "keepMs">;

const isAlike = (one: Kind, other: Kind): boolean =>
  one.name === other.name &&
  one.version === other.version &&
  one.demand === other.demand &&
  one.policy === other.policy &&
  one.keepMs === other.keepMs;

/** Stores a manifest and gives where. */
export async function writeManifest(objects: ObjectStore, manifest: RunManifest): Promise<Slot> {
  const kinds = new Map<string, number>();
  /** The task before, and its kind: mostly the next one is like it. */
  let last: ManifestTask | undefined;
  let kindOfLast = 0;
  const tasks = manifest.tasks.map((task): Row => {
    if (!last || !isAlike(task, last)) {
      const { name, version, demand, policy, keepMs } = task;
      const kind = JSON.stringify({ name, version, demand, policy, keepMs } satisfies Kind);
      if (!kinds.has(kind)) kinds.set(kind, kinds.size);
      kindOfLast = kinds.get(kind) as number;
    }
    last = task;
    return [kindOfLast, Buffer.from(task.key, "hex"), task.dependencies, task.params];
  });
  // Neither compressed nor encoded further: a clean-up finds in it what it names.
  const bytes = pack({ ...manifest, f: PROTOCOL_VERSION, tasks, kinds: [...kinds.keys()] });
  if (bytes.byteLength <= MAX_INLINE_BYTES) return { inline: new Uint8Array(bytes) };
  const hash = createHash("sha256").update(bytes).digest("hex");
  const object = contentObject(hash);
  await objects.put(object, { chunks: [bytes], byteLength: bytes.byteLength });
  return { object, bytes: bytes.byteLength, hash };
}

export async function readManifest(objects: ObjectStore, slot: Slot): Promise<RunManifest> {
  const { f, kinds, tasks, ...rest } = unpack(await loadBytes(objects, slot)) as Omit<RunManifest, "tasks"> & {
    readonly f: number;
    readonly kinds: readonly string[];
    readonly tasks: readonly Row[];
  };
  refuseNewer("the manifest of the run", f);
  const known = kinds.map((kind) => JSON.parse(kind) as Kind);
  return {
    ...rest,
    tasks: tasks.map(([kind, key, dependencies, params]) => ({
      ...known[kind],
      key: Buffer.from(key).toString("hex"),
      dependencies,
      params,
    })),
  };
}
