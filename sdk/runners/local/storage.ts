import { rmSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { LabOptionError } from "../../errors.ts";
import type { StoreAddress } from "../../wire/store-address.ts";
import { DEFAULT_STORAGE } from "./bundle-file.ts";

const SCHEME = /^([a-z][a-z0-9+.-]+):\/\//i;
const BUCKET = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;

/**
 * Where a lab on this machine keeps its results.
 *
 * @param storage A folder, a `file://` URL, `s3://bucket/prefix`, or false for a folder that goes with the lab.
 * @throws LabOptionError for anything else.
 */
export async function localStorage(storage: string | false | undefined): Promise<StoreAddress> {
  if (storage === false) return temporaryFolder();
  const given = storage ?? DEFAULT_STORAGE;
  const scheme = SCHEME.exec(given)?.[1]?.toLowerCase();
  if (scheme === undefined) return { kind: "local", directory: resolve(given) };
  if (scheme === "file") return { kind: "local", directory: fileURLToPath(given) };
  if (scheme === "s3") return bucketOf(given);
  throw new LabOptionError(
    `storage must be a folder, a file:// URL, s3://bucket/prefix or false, got ${JSON.stringify(given)}`,
  );
}

function bucketOf(url: string): StoreAddress {
  const [bucket = "", ...path] = url.slice("s3://".length).split("/");
  if (!BUCKET.test(bucket)) {
    throw new LabOptionError(`storage ${JSON.stringify(url)} names no bucket: give s3://bucket/prefix`);
  }
  const prefix = path.filter(Boolean).join("/");
  return { kind: "s3", bucket, prefix: prefix === "" ? "" : `${prefix}/` };
}

/** A folder that goes when the lab is closed, or else with this process. */
async function temporaryFolder(): Promise<StoreAddress> {
  const directory = await mkdtemp(join(tmpdir(), "stratolab-"));
  process.once("exit", () => rmSync(directory, { recursive: true, force: true }));
  return { kind: "local", directory, temporary: true };
}
