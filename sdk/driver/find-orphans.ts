import type { ControlTable } from "../stores/control-table.ts";
import { type Journal, readJournals } from "../stores/journal.ts";
import { isLabAlive } from "../stores/lab-life.ts";
import { type Orphan, orphansIn } from "./adoption.ts";
import { isCertainlyGone } from "./this-process.ts";

/**
 * Attempts in flight whose drivers are gone, by the cache keys of their tasks: of this very run, which is
 * driven from here now, and of others whose driver is dead.
 */
export async function findOrphans(
  table: ControlTable,
  namespace: string,
  runId: string,
  labId: string,
): Promise<Map<string, Orphan>> {
  const left: Journal[] = [];
  for (const journal of await readJournals(table, namespace)) {
    const { runId: other, lab, driver } = journal;
    if (lab === labId) continue;
    if (other === runId || isCertainlyGone(driver) || !(await isLabAlive(table, lab))) left.push(journal);
  }
  return orphansIn(left, Date.now());
}
