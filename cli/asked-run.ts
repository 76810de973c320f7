import { findRun, findRuns, type RunInfo } from "../sdk/runs.ts";
import type { Stores } from "../sdk/stores/stores.ts";
import { LabError } from "../sdk/wire/lab-error.ts";

/** The argument of commands that look at one run. */
export const ASKED_RUN = ["[run]", "id or name; of several of one name the newest (default the latest)"] as const;

/**
 * The run that is asked for: by its id or name, or the latest one.
 *
 * @throws LabError where there is none.
 */
export async function askedRun(stores: Stores, namespace: string, idOrName: string | undefined): Promise<RunInfo> {
  if (idOrName !== undefined) return findRun(stores.table, namespace, idOrName);
  const [latest] = await findRuns(stores.table, namespace, { limit: 1 });
  if (latest) return latest;
  throw new LabError("unknown-run", `there are no runs in the namespace ${namespace}`);
}
