import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { readdir, readFile, realpath, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Ignore } from "ignore";
import type { ObjectStore } from "../stores/object-store.ts";
import { storeValue } from "../stores/values.ts";
import { encode } from "../wire/codec/codec.ts";
import { contentObject } from "../wire/keys.ts";
import type { EnvFile, RuntimeEnvSpec } from "../wire/runtime-env.ts";
import { SetupProblem } from "./setup-problem.ts";

/** The files of a working folder, as they were when they were looked at. */
export interface WorkingFiles {
  readonly folder: string;
  readonly files: readonly EnvFile[];
  readonly bytes: number;
  /** Of all paths and contents. */
  readonly hash: string;
}

interface FoundFile {
  readonly path: string;
  readonly bytes: number;
  readonly executable: boolean;
}

/** Half of what a Lambda function has on its disk, unless its stack says otherwise. */
const MAX_BYTES = 256 * 2 ** 20;
const MAX_FILES = 10_000;
const SHOWN = 5;
const AT_ONCE = 16;
/** Never part of it: packages come by `packages`, and the others are no inputs. */
const NEVER = [".git", ".stratolab", "node_modules"];

/** @throws SetupProblem when there is no such folder, or too much in it. */
export async function workingFiles(folder: string, excludes: readonly string[] = []): Promise<WorkingFiles> {
  const info = await stat(folder).catch(() => undefined);
  if (!info?.isDirectory()) throw new SetupProblem(`workingDir: there is no folder ${folder}`);
  const found: FoundFile[] = [];
  const { default: newRules } = await import("ignore");
  await collect(folder, "", { rules: [], excludes: newRules().add([...excludes]), parents: [], found, newRules });
  found.sort((a, b) => (a.path < b.path ? -1 : 1));
  const bytes = found.reduce((sum, file) => sum + file.bytes, 0);
  if (bytes > MAX_BYTES || found.length > MAX_FILES) throw tooLarge(folder, found, bytes);
  const files = await inLanes(found, async ({ path, ...file }): Promise<EnvFile> => {
    const hash = await hashOf(join(folder, path));
    return { path, object: contentObject(hash), hash, ...file };
  });
  const digest = createHash("sha256");
  for (const { path, hash, executable } of files) digest.update(JSON.stringify([path, hash, executable]));
  return { folder, files, bytes, hash: digest.digest("hex") };
}

interface Walk {
  /** The `.gitignore` of each folder on the way, outermost first. */
  readonly rules: readonly { readonly base: string; readonly patterns: Ignore }[];
  readonly excludes: Ignore;
  /** Folders on the way as they really are: a link back to one of them would have no end. */
  readonly parents: readonly string[];
  readonly found: FoundFile[];
  readonly newRules: () => Ignore;
}

async function collect(root: string, base: string, walk: Walk): Promise<void> {
  const here = join(root, base);
  const real = await realpath(here);
  if (walk.parents.includes(real)) return;
  const own = await readFile(join(here, ".gitignore"), "utf8").catch(() => undefined);
  const rules = own === undefined ? walk.rules : [...walk.rules, { base, patterns: walk.newRules().add(own) }];
  const inside = { ...walk, rules, parents: [...walk.parents, real] };
  for (const name of await readdir(here)) {
    if (NEVER.includes(name)) continue;
    const path = base + name;
    const info = await stat(join(root, path)).catch(() => undefined);
    const isFolder = info?.isDirectory() ?? false;
    if (!info || isIgnored(isFolder ? `${path}/` : path, inside)) continue;
    if (isFolder) await collect(root, `${path}/`, inside);
    else if (info.isFile()) walk.found.push({ path, bytes: info.size, executable: (info.mode & 0o100) !== 0 });
    // Somebody gave the root of a disk: there is no need to see all of it.
    if (walk.found.length > MAX_FILES * 10) throw tooLarge(root, walk.found, 0);
  }
}

/** Deeper `.gitignore` files decide over those above them, and `excludes` over all. */
function isIgnored(path: string, { rules, excludes }: Walk): boolean {
  let ignored = false;
  for (const { base, patterns } of [...rules, { base: "", patterns: excludes }]) {
    const verdict = patterns.test(path.slice(base.length));
    if (verdict.ignored) ignored = true;
    else if (verdict.unignored) ignored = false;
  }
  return ignored;
}

function tooLarge(folder: string, found: readonly FoundFile[], bytes: number): SetupProblem {
  const mb = (count: number) => `${(count / 2 ** 20).toFixed(1)} MB`;
  const largest = [...found].sort((a, b) => b.bytes - a.bytes).slice(0, SHOWN);
  const what =
    bytes > MAX_BYTES
      ? `${mb(bytes)} in ${found.length} files, and may have ${mb(MAX_BYTES)}`
      : `${found.length}${bytes === 0 ? " or more" : ""} files, and may have ${MAX_FILES}`;
  return new SetupProblem(
    `workingDir: ${folder} has ${what}. The largest are ${largest.map((file) => `${file.path} (${mb(file.bytes)})`).join(", ")}. ` +
      "Leave out what tasks do not need (excludes, .gitignore), and hand large data over with lab.put",
  );
}

async function hashOf(path: string): Promise<string> {
  const digest = createHash("sha256");
  for await (const piece of createReadStream(path)) digest.update(piece as Uint8Array);
  return digest.digest("hex");
}

/** Puts what is not there yet into the object store: each content once. */
export async function storeFiles(
  { folder, files, bytes }: WorkingFiles,
  objects: ObjectStore,
): Promise<NonNullable<RuntimeEnvSpec["files"]>> {
  await inLanes([...new Map(files.map((file) => [file.object, file])).values()], async ({ path, object, hash }) => {
    if (await objects.touch(object)) return;
    const content = await readFile(join(folder, path)).catch(() => undefined);
    if (!content || createHash("sha256").update(content).digest("hex") !== hash) {
      throw new SetupProblem(`workingDir: ${path} was changed since the lab was opened: run the script again`);
    }
    await objects.put(object, { chunks: [content], byteLength: content.byteLength });
  });
  const encoded = encode(files, { name: "the list of files" });
  return { list: await storeValue(objects, encoded, contentObject), bytes };
}

/** The results in order, of so many at a time. */
async function inLanes<T, R>(items: readonly T[], act: (item: T) => Promise<R>): Promise<R[]> {
  const results = new Array<R>(items.length);
  const entries = items.entries();
  const lane = async () => {
    for (const [index, item] of entries) results[index] = await act(item);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
  return results;
}
