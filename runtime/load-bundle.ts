import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { inspect } from "node:util";
import * as codec from "../sdk/wire/codec/codec.ts";
import { isDefinition, type RunnableDefinition } from "../sdk/wire/definition.ts";
import { LabError } from "../sdk/wire/lab-error.ts";
import { LENT_CODEC, VERSIONS_EXPORT } from "../sdk/wire/task-tools.ts";

/** A task that a bundle exports. */
export interface LoadedTask {
  readonly name: string;
  /** Name of the export: what its code version is listed under. */
  readonly exportName: string;
  readonly definition: RunnableDefinition;
  /** Hash of the code that it reaches. */
  readonly version: string;
}

/** Set for the modules of a bundle: gives a module its own place, though it is bundled. */
const PLACE = Symbol.for("stratolab.place");

function definePlaces(root: string): void {
  const place = (path: string) => {
    const filename = join(root, path);
    return { filename, dirname: dirname(filename), url: pathToFileURL(filename).href };
  };
  Object.defineProperty(globalThis, PLACE, { value: place, configurable: true });
}

/**
 * Loads a bundle after checking that it is the one it is said to be, and finds the tasks it exports.
 *
 * @param path File of the bundle.
 * @param hash SHA-256 it must have, in hexadecimal.
 * @param root Folder that module paths in it start from.
 * @throws LabError when it was changed, throws while loading, starts a lab, or exports two tasks of
 * one name.
 */
export async function loadBundle(path: string, hash: string, root: string): Promise<LoadedTask[]> {
  const actual = createHash("sha256")
    .update(await readFile(path))
    .digest("hex");
  if (actual !== hash) {
    throw new LabError("bundle-changed", `the bundle ${path} has hash ${actual}, not ${hash}: it is not loaded`);
  }
  definePlaces(root);
  Object.defineProperty(globalThis, LENT_CODEC, { value: codec, configurable: true });
  let exported: Record<string, unknown>;
  try {
    exported = (await import(pathToFileURL(path).href)) as Record<string, unknown>;
  } catch (error) {
    const { kind, stack = inspect(error) } = (error ?? {}) as { kind?: string; stack?: string };
    if (kind === "lab-in-task-module") throw error;
    throw new LabError("task-module", `the task module threw while it was loaded: ${stack}`, { cause: error });
  }
  return tasksIn(exported);
}

function tasksIn(exported: Record<string, unknown>): LoadedTask[] {
  const byName = new Map<string, LoadedTask>();
  const versions = (exported[VERSIONS_EXPORT] ?? {}) as Readonly<Record<string, string>>;
  for (const [exportName, value] of Object.entries(exported)) {
    if (!isDefinition(value)) continue;
    const name = value.taskName;
    const other = byName.get(name);
    if (other && other.definition !== value) {
      throw new LabError(
        "duplicate-task",
        `the task module exports two tasks named ${JSON.stringify(name)}, as ${other.exportName} and ${exportName}: give one of them another name`,
      );
    }
    if (!other) byName.set(name, { name, exportName, definition: value, version: versions[exportName] ?? "" });
  }
  return [...byName.values()];
}
