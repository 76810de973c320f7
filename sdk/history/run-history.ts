import { type RunManifest, readManifest } from "../driver/manifest.ts";
import { LabError } from "../errors.ts";
import { GrowingPlan } from "../growing-plan.ts";
import type { LabPlan } from "../planning.ts";
import { findRun, type RunInfo } from "../runs.ts";
import { ChronicleReader } from "../stores/chronicle.ts";
import { readRuns } from "../stores/runs.ts";
import type { Stores } from "../stores/stores.ts";
import type { ChronicleEvent } from "../wire/chronicle.ts";

/** A run as it was recorded: what it is made of, and what has happened in it until now. */
export interface RunHistory {
  readonly run: RunInfo;
  readonly manifest: RunManifest;
  readonly plan: LabPlan;
  readonly events: readonly ChronicleEvent[];
}

/**
 * Reads what has happened in a run.
 *
 * @param idOrName Of several of one name the newest.
 * @throws LabError when there is no such run, or nothing is recorded of its tasks.
 */
export async function readHistory(stores: Stores, namespace: string, idOrName: string): Promise<RunHistory> {
  const run = await findRun(stores.table, namespace, idOrName);
  const recorded = await readRecorded(stores, run);
  if (!recorded) throw notRecorded(run);
  const events = await new ChronicleReader(stores, namespace, run.id).read();
  return { run, ...recorded, events: await recorded.plan.take(events) };
}

/** What a run is made of, without what its tasks run, which its chronicle tells; undefined where that is not written, or not yet. */
export async function readRecorded(
  stores: Stores,
  { id, namespace }: Pick<RunInfo, "id" | "namespace">,
): Promise<(Pick<RunHistory, "manifest"> & { readonly plan: GrowingPlan }) | undefined> {
  const [record] = await readRuns(stores.table, namespace, [id]);
  if (!record?.manifest) return undefined;
  const manifest = await readManifest(stores.objects, record.manifest);
  return { manifest, plan: new GrowingPlan(manifest, stores.objects) };
}

export function notRecorded({ id, status }: RunInfo): LabError {
  const why = status === "running" ? "it has just begun: try again in a moment" : "it ended before that was written";
  return new LabError("not-recorded", `nothing is recorded of the tasks of run ${id}: ${why}`);
}
