import { randomBytes } from "node:crypto";
import { mkdir, rename, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { BUNDLE_FILE, type Bundle } from "../../bundle/bundle.ts";
import type { StoreAddress } from "../../wire/store-address.ts";

/** Folder of a lab's results where none is given. */
export const DEFAULT_STORAGE = ".stratolab";

/** Where bundles of a lab are kept on this machine. */
export function bundleFolder(address: StoreAddress): string {
  return join(address.kind === "local" ? address.directory : resolve(DEFAULT_STORAGE), "bundles");
}

/** Where files and packages of runtime environments are kept on this machine, for all executors. */
export function runtimeEnvFolder(address: StoreAddress): string {
  return join(address.kind === "local" ? address.directory : resolve(DEFAULT_STORAGE), "runtime-envs");
}

/**
 * Writes a bundle and its source map into a folder of their own; a process killed meanwhile leaves no
 * half of them behind.
 *
 * @returns File of the bundle.
 */
export async function writeBundle(directory: string, bundle: Bundle): Promise<string> {
  const folder = join(directory, bundle.hash.slice(0, 32));
  await mkdir(folder, { recursive: true });
  const put = async (name: string, text: string) => {
    // Another lab, of this process or another, may be writing the same.
    const unfinished = join(folder, `.${name}-${process.pid}-${randomBytes(4).toString("hex")}`);
    await writeFile(unfinished, text);
    await rename(unfinished, join(folder, name));
  };
  const sourceRoot = `${pathToFileURL(bundle.root).href}/`;
  await put(`${BUNDLE_FILE}.map`, JSON.stringify({ ...JSON.parse(bundle.sourceMap), sourceRoot }));
  await put(BUNDLE_FILE, bundle.code);
  return join(folder, BUNDLE_FILE);
}
