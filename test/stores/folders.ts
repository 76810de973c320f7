import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openLocalStores } from "../../sdk/stores/local/open.ts";
import type { Stores } from "../../sdk/stores/stores.ts";

/** A folder for a test, and how to get rid of it. */
export async function newFolder(): Promise<{ folder: string; release: () => Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), "stratolab-stores-"));
  return { folder, release: () => rm(folder, { recursive: true, force: true }) };
}

/** Local stores in a folder of their own, as long as `await using` keeps them. */
export async function temporaryStores(): Promise<Stores & AsyncDisposable & { readonly folder: string }> {
  const { folder, release } = await newFolder();
  const stores = await openLocalStores(folder);
  return {
    ...stores,
    folder,
    [Symbol.asyncDispose]: async () => {
      await stores.table.close();
      await release();
    },
  };
}
