import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { inspect } from "node:util";
import * as codec from "../sdk/wire/codec/codec.ts";
import { DEFINITION, isDefinition, type RunnableDefinition } from "../sdk/wire/definition.ts";
import { LabError } from "../sdk/wire/lab-error.ts";
import { type RuntimeEnv, withAbsolutePaths } from "../sdk/wire/runtime-env.ts";
import { LENT_CODEC, VERSIONS_EXPORT } from "../sdk/wire/task-tools.ts";
import type { SetUpEnv } from "./runtime-env.ts";

/** A task that a bundle exports. */
export interface LoadedTask {
  readonly name: string;
  /** Name of the export: what its code version is listed under. */
  readonly exportName: string;
  readonly definition: RunnableDefinition;
  /** Hash of the code that it reaches. */
  readonly version: string;
  /** What its definition says, with paths that mean the same elsewhere on this machine. */
  readonly runtimeEnv?: RuntimeEnv;
}

/** The module of a bundle, and the tasks that it exports. */
export interface LoadedBundle {
  readonly tasks: LoadedTask[];
  readonly exported: Readonly<Record<string, unknown>>;
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
 * @param env Runtime environment whose packages it is loaded with.
 * @throws LabError when it was changed, throws while loading, starts a lab, or exports two tasks of
 * one name.
 */
export async function loadBundle(path: string, hash: string, root: string, env?: SetUpEnv): Promise<LoadedBundle> {
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
    exported = (await import(pathToFileURL((await env?.bundleFor(path, hash)) ?? path).href)) as Record<
      string,
      unknown
    >;
  } catch (error) {
    const { kind, stack = inspect(error) } = (error ?? {}) as { kind?: string; stack?: string };
    if (kind === "lab-in-task-module" || kind === "setup-failed") throw error;
    throw new LabError("task-module", `the task module threw while it was loaded: ${stack}`, { cause: error });
  }
  return { tasks: tasksIn(exported), exported };
}

/** Tasks as messages tell of them. */
export const toldTasks = (tasks: readonly LoadedTask[]) =>
  tasks.map(({ name, exportName, runtimeEnv }) =>
    runtimeEnv ? ([name, exportName, runtimeEnv] as const) : ([name, exportName] as const),
  );

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
    if (!other) {
      const { runtimeEnv: declared } = value[DEFINITION];
      const version = versions[exportName] ?? "";
      byName.set(name, {
        name,
        exportName,
        definition: value,
        version,
        ...(declared ? { runtimeEnv: withAbsolutePaths(declared) } : {}),
      });
    }
  }
  return [...byName.values()];
}
