import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { Stores } from "../stores.ts";
import { sweepEnded } from "../sweep.ts";
import { LocalControlTable } from "./control-table.ts";
import { FleetingControlTable } from "./fleeting-control-table.ts";
import { LocalObjectStore } from "./object-store.ts";

/**
 * Opens the stores in a folder, which is created where it is missing.
 *
 * @param temporary It goes with the lab: results stay in memory.
 */
export async function openLocalStores(directory: string, temporary = false): Promise<Stores> {
  await mkdir(directory, { recursive: true });
  const file = join(directory, "control.lmdb");
  const objectsIn = (table: LocalControlTable) =>
    new LocalObjectStore(join(directory, "objects"), () => sweepEnded(table));
  if (temporary) {
    const table = new FleetingControlTable(file);
    return { table, objects: objectsIn(table), keptResults: table };
  }
  const table = new LocalControlTable(file);
  return { table, objects: objectsIn(table) };
}
