import { randomBytes } from "node:crypto";
import { access, chmod, mkdir, readdir, rename, rm, statfs, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import { readStream } from "../sdk/stores/byte-streams.ts";
import type { ObjectStore } from "../sdk/stores/object-store.ts";
import { loadBytes, loadValue } from "../sdk/stores/values.ts";
import type { EnvFile, RuntimeEnvSpec } from "../sdk/wire/runtime-env.ts";
import { SetupFailure } from "./setup-log.ts";

/** Where the parts of runtime environments lie on an executor's disk. */
export interface EnvPlace {
  readonly folder: string;
  /** Nobody else uses the folder: what an environment does not need goes before the next is set up. */
  readonly isOwn: boolean;
}

const AT_ONCE = 32;
const MB = 2 ** 20;

interface Part {
  readonly name: string;
  readonly bytes: number;
  fill(folder: string): Promise<void>;
}

/**
 * The folders of an environment on this disk, filled where they are not there yet. What several processes fill
 * at once appears when the first is done.
 */
export async function envFolders({ files, packages }: RuntimeEnvSpec, objects: ObjectStore, place: EnvPlace) {
  const parts: Part[] = [];
  const add = (name: string, bytes: number, fill: Part["fill"]) => {
    parts.push({ name, bytes, fill });
    return join(place.folder, name);
  };
  const filesFolder =
    files && add(`files-${short(files.list.hash)}`, files.bytes, (folder) => fetchFiles(files.list, objects, folder));
  const packagesFolder =
    packages &&
    add(`packages-${short(packages.archive.hash)}`, packages.bytes, (folder) => unpack(packages, objects, folder));
  if (place.isOwn) await removeOthers(place.folder, parts);
  for (const part of parts) await provide(part, place.folder);
  return { filesFolder, packagesFolder };
}

const short = (hash: string) => hash.slice(0, 16);

async function removeOthers(folder: string, parts: readonly Part[]): Promise<void> {
  const kept = parts.map(({ name }) => name);
  const others = (await readdir(folder).catch(() => [])).filter((name) => !kept.includes(name));
  await Promise.all(others.map((name) => rm(join(folder, name), { recursive: true, force: true })));
}

async function provide({ name, bytes, fill }: Part, folder: string): Promise<void> {
  const target = join(folder, name);
  if (await isThere(target)) return;
  await mkdir(folder, { recursive: true });
  const { bavail, bsize } = await statfs(folder);
  if (bavail * bsize < bytes) {
    throw new SetupFailure(
      `it takes ${Math.ceil(bytes / MB)} MB of disk, and the executor has ${Math.floor((bavail * bsize) / MB)} MB left. ` +
        "Leave something out (excludes), give the stack's functions more (lambdaEphemeralStorageMb), or the task (ephemeralStorageMb)",
    );
  }
  const unfinished = join(folder, `.${process.pid}-${randomBytes(6).toString("hex")}`);
  await mkdir(unfinished);
  try {
    await fill(unfinished);
    await rename(unfinished, target).catch(async (error) => {
      // Another process was first.
      if (!(await isThere(target))) throw error;
    });
  } finally {
    await rm(unfinished, { recursive: true, force: true });
  }
}

const isThere = (path: string) =>
  access(path).then(
    () => true,
    () => false,
  );

async function fetchFiles(list: NonNullable<RuntimeEnvSpec["files"]>["list"], objects: ObjectStore, folder: string) {
  const files = [...((await loadValue(objects, list)) as readonly EnvFile[])];
  for (const parent of new Set(files.map(({ path }) => dirname(path)))) {
    await mkdir(join(folder, parent), { recursive: true });
  }
  const fetchNext = async (): Promise<void> => {
    for (let file = files.pop(); file; file = files.pop()) {
      const { path, object, bytes, hash, executable } = file;
      await writeFile(join(folder, path), await loadBytes(objects, { object, bytes, hash }));
      // Executors share them: what a task changed would be another task's input.
      await chmod(join(folder, path), executable ? 0o555 : 0o444);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, fetchNext));
}

async function unpack({ archive }: NonNullable<RuntimeEnvSpec["packages"]>, objects: ObjectStore, folder: string) {
  const { unpackTar } = await import("modern-tar/fs");
  await pipeline(await readStream(objects, archive), createGunzip(), unpackTar(folder));
}
