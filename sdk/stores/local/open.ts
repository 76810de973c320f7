import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { Stores } from "../stores.ts";
import { sweepEnded } from "../sweep.ts";
import { LocalControlTable } from "./control-table.ts";
import { LocalObjectStore } from "./object-store.ts";

/** Opens the stores in a folder, which is created where it is missing. */
export async function openLocalStores(directory: string): Promise<Stores> {
  await mkdir(directory, { recursive: true });
  const table = new LocalControlTable(join(directory, "control.lmdb"));
  return { table, objects: new LocalObjectStore(join(directory, "objects"), () => sweepEnded(table)) };
}
