import { createHash } from "node:crypto";
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { Readable } from "node:stream";
import { createGzip } from "node:zlib";
import { storeStream } from "../stores/byte-streams.ts";
import type { ObjectStore } from "../stores/object-store.ts";
import { contentObject } from "../wire/keys.ts";
import type { RuntimeEnvSpec } from "../wire/runtime-env.ts";
import { npm } from "./npm.ts";
import { nameOfPlatform, type Platform, thisPlatform } from "./platform.ts";
import { SetupProblem } from "./setup-problem.ts";

/** Packages with the versions that were found for them. */
export interface LockedPackages {
  readonly manifest: string;
  readonly lock: string;
  /** Of all versions and contents, wherever they were fetched from. */
  readonly hash: string;
  /** What can be imported. */
  readonly names: ReadonlySet<string>;
}

type PackageArchive = NonNullable<RuntimeEnvSpec["packages"]>;

interface LockFile {
  readonly packages?: Readonly<
    Record<string, { readonly version?: string; readonly integrity?: string; readonly dev?: boolean }>
  >;
}

const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");
const bytesOf = (text: string) => new TextEncoder().encode(text);

/** What is known by what it was asked for, and not by its content: found again by any lab of this storage. */
const objectFor = (...asked: readonly string[]) => contentObject(sha256(`runtime-env 1\n${asked.join("\n")}`));

/**
 * The versions of packages: those of a lock file, or what npm finds for ranges. That is asked once per storage, so
 * that a new release somewhere does not make results stale.
 *
 * @throws SetupProblem with what npm says, or lacks.
 */
export async function lockPackages(
  packages: Readonly<Record<string, string>> | string,
  objects: ObjectStore,
): Promise<LockedPackages> {
  if (typeof packages === "string") return lockedIn(packages);
  const dependencies = Object.fromEntries(Object.entries(packages).sort(([a], [b]) => (a < b ? -1 : 1)));
  const manifest = JSON.stringify({ name: "runtime-env", version: "1.0.0", private: true, dependencies });
  const object = objectFor("lock", manifest);
  const stored = (await objects.touch(object)) ? await objects.get(object) : undefined;
  if (stored) return locked(manifest, new TextDecoder().decode(stored));
  const lock = await inFolder(async (folder) => {
    await writeFile(join(folder, "package.json"), manifest);
    await npm(["install", "--package-lock-only", "--ignore-scripts"], folder);
    return readFile(join(folder, "package-lock.json"), "utf8");
  });
  const bytes = bytesOf(lock);
  await objects.put(object, { chunks: [bytes], byteLength: bytes.byteLength });
  return locked(manifest, lock);
}

async function lockedIn(place: string): Promise<LockedPackages> {
  const folder = basename(place) === "package.json" ? dirname(place) : place;
  const read = (name: string) =>
    readFile(join(folder, name), "utf8").catch(() => {
      const advice = name === "package.json" ? "" : ': make one with "npm install --package-lock-only"';
      throw new SetupProblem(`packages: there is no ${name} in ${folder}${advice}`);
    });
  return locked(await read("package.json"), await read("package-lock.json"));
}

function locked(manifest: string, lock: string): LockedPackages {
  const entries = Object.entries((JSON.parse(lock) as LockFile).packages ?? {}).filter(
    ([path, { dev }]) => path && !dev,
  );
  const facts = entries.map(([path, { version, integrity }]) => [path, version, integrity]).sort();
  const names = entries.flatMap(([path]) => /^node_modules\/((?:@[^/]+\/)?[^/]+)$/.exec(path)?.[1] ?? []);
  return { manifest, lock, hash: sha256(JSON.stringify(facts)), names: new Set(names) };
}

/**
 * The packages for a platform as one archive in the object store; installed where nobody has yet.
 *
 * @throws SetupProblem with what npm says.
 */
export async function packageArchive(
  { manifest, lock, hash }: LockedPackages,
  platform: Platform,
  objects: ObjectStore,
): Promise<PackageArchive> {
  const object = objectFor("packages", hash, nameOfPlatform(platform));
  const stored = (await objects.touch(object)) ? await objects.get(object) : undefined;
  if (stored) {
    const known = JSON.parse(new TextDecoder().decode(stored)) as PackageArchive;
    if (await objects.touch(known.archive.object)) return known;
    // It names what is gone.
    await objects.deleteMany([object]);
  }
  const archive = await inFolder(async (folder) => {
    await writeFile(join(folder, "package.json"), manifest);
    await writeFile(join(folder, "package-lock.json"), lock);
    await npm(["ci", "--omit=dev", "--no-bin-links", "--prefer-offline", ...forPlatform(platform)], folder);
    return store(join(folder, "node_modules"), objects);
  });
  const bytes = bytesOf(JSON.stringify(archive));
  await objects.put(object, { chunks: [bytes], byteLength: bytes.byteLength });
  return archive;
}

/** What an install script would build or fetch is for the machine that it runs on. */
function forPlatform(platform: Platform): string[] {
  const { os, cpu, libc } = platform;
  const isThis = nameOfPlatform(platform) === nameOfPlatform(thisPlatform());
  return [`--os=${os}`, `--cpu=${cpu}`, ...(libc ? [`--libc=${libc}`] : []), ...(isThis ? [] : ["--ignore-scripts"])];
}

async function store(modules: string, objects: ObjectStore): Promise<PackageArchive> {
  const { packTar } = await import("modern-tar/fs");
  const bytes = await sizeOf(modules);
  const packed = packTar([{ type: "directory", source: modules, target: "node_modules" }]).pipe(
    createGzip({ level: 6 }),
  );
  const archive = await storeStream(objects, Readable.from(packed), { kind: "stream" });
  return { archive, bytes };
}

async function sizeOf(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  const sizes = entries.map(async (entry) =>
    entry.isFile() ? (await stat(join(entry.parentPath, entry.name))).size : 0,
  );
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}

async function inFolder<T>(act: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), "stratolab-npm-"));
  try {
    return await act(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
