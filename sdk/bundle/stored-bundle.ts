import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { RunManifest } from "../driver/manifest.ts";
import { LabError } from "../errors.ts";
import type { ObjectStore } from "../stores/object-store.ts";
import type { Stores } from "../stores/stores.ts";
import { bundleMapObject, bundleObject } from "../wire/keys.ts";
import type { StoreAddress } from "../wire/store-address.ts";
import { BUNDLE_FILE, type Bundle } from "./bundle.ts";

/**
 * The code that a run was begun with, from where its lab has put it.
 *
 * @throws LabError when it is not there any more, or was changed.
 */
export async function storedBundle(
  { hash, root, taskModule }: RunManifest["bundle"],
  address: StoreAddress,
  stores: Stores,
): Promise<Bundle> {
  const [code, sourceMap] = await (address.kind === "local"
    ? fromFolder(join(address.directory, "bundles", hash.slice(0, 32)))
    : fromObjects(stores, hash));
  if (code === undefined || createHash("sha256").update(code).digest("hex") !== hash) {
    throw new LabError(
      "bundle-missing",
      `the code that the run was begun with (${taskModule}) is not stored any more: run the script again; what is finished is found in the cache`,
    );
  }
  // Its versions are known from the run, and its packages were found to be loadable when it began.
  return {
    hash,
    code,
    sourceMap: sourceMap ?? "{}",
    root,
    taskModule,
    versions: new Map(),
    parts: new Map(),
    native: [],
    hasArrow: false,
  };
}

/** Puts the user's code where others find it, unless it is there. */
export async function putBundle(objects: ObjectStore, { hash, code, sourceMap }: Bundle): Promise<void> {
  const keys = { code: bundleObject(hash), map: bundleMapObject(hash) };
  if ((await objects.touch(keys.code)) && (await objects.touch(keys.map))) return;
  const put = (key: string, text: string) => {
    const bytes = new TextEncoder().encode(text);
    return objects.put(key, { chunks: [bytes], byteLength: bytes.byteLength });
  };
  await Promise.all([put(keys.map, sourceMap), put(keys.code, code)]);
}

type Texts = readonly [code: string | undefined, sourceMap: string | undefined];

async function fromFolder(folder: string): Promise<Texts> {
  const read = (name: string) => readFile(join(folder, name), "utf8").catch(() => undefined);
  return Promise.all([read(BUNDLE_FILE), read(`${BUNDLE_FILE}.map`)]);
}

async function fromObjects({ objects }: Stores, hash: string): Promise<Texts> {
  const read = async (key: string) => {
    const bytes = await objects.get(key);
    return bytes && new TextDecoder().decode(bytes);
  };
  return Promise.all([read(bundleObject(hash)), read(bundleMapObject(hash))]);
}
