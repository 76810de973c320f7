import { mkdir, rename, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ObjectStore } from "../sdk/stores/object-store.ts";
import { bundleMapObject, bundleObject } from "../sdk/wire/keys.ts";
import { LabError } from "../sdk/wire/lab-error.ts";

/**
 * Fetches a bundle from the object store, with its source map where there is one. An executor keeps
 * it: the next process finds it on disk.
 */
export async function fetchBundle(objects: ObjectStore, hash: string): Promise<{ path: string; root: string }> {
  const root = join(tmpdir(), "stratolab", hash.slice(0, 32));
  const path = join(root, "bundle.mjs");
  const [code, map] = await Promise.all([
    objects.get(bundleObject(hash)),
    objects.get(bundleMapObject(hash)).catch(() => undefined),
  ]);
  if (!code) {
    throw new LabError(
      "start-failed",
      `the code bundle ${hash.slice(0, 12)} is not in the object store; run the script again to upload it`,
    );
  }
  await mkdir(root, { recursive: true });
  const put = async (file: string, bytes: Uint8Array) => {
    const unfinished = `${file}.${process.pid}`;
    await writeFile(unfinished, bytes);
    await rename(unfinished, file);
  };
  if (map) await put(`${path}.map`, map);
  await put(path, code);
  return { path, root };
}
