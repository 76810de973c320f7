import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { ObjectSlot } from "./slot.ts";

/**
 * Where a secret lies: in AWS Secrets Manager or the SSM Parameter Store, by name or ARN. Executors fetch it when
 * they set an environment up; nobody writes it down.
 */
export type SecretRef =
  | {
      /** Name or ARN of a secret in Secrets Manager. */
      readonly secret: string;
      /** Where the secret is a JSON object: which of its members. Default all of its text. */
      readonly key?: string;
    }
  | {
      /** Name or ARN of a parameter in the SSM Parameter Store, decrypted where it is encrypted. */
      readonly parameter: string;
    };

/**
 * What a task finds around it: variables, files, packages with compiled code, and what was made ready before. A
 * lab has one for all of its tasks (`new Lab({ runtimeEnv })`), a task definition one of its own
 * (`task({ runtimeEnv })`). They are merged as Ray does it: `env` variable by variable, of everything else the
 * task's own takes the place of the lab's.
 *
 * Files, packages and the code of `setup` are part of a task's cache key, `env` is not: what decides about a
 * result belongs into the params.
 *
 * @example
 * runtimeEnv: {
 *   env: { OMP_NUM_THREADS: "1", API_KEY: { secret: "experiments/api-key" } },
 *   workingDir: new URL("./assets", import.meta.url),
 *   packages: { sharp: "^0.33" },
 *   setup: "warmUp", // export async function warmUp() { … } in the task module
 * }
 */
export interface RuntimeEnv {
  /**
   * Environment variables while a task runs, and while its module is loaded. A value that is secret is given by
   * where it lies (`{ secret }` in Secrets Manager, `{ parameter }` in the SSM Parameter Store), and is fetched by
   * the executor with its own permissions. Default none.
   */
  readonly env?: Readonly<Record<string, string | SecretRef>>;
  /**
   * Folder that attempts run in: its files, less what its `.gitignore` files and `excludes` say, `.git`,
   * `.stratolab` and `node_modules`. At most 256 MB and 10,000 files. They are read-only, and executors on one
   * machine share them. A path is relative to the working folder of the script. Default none.
   */
  readonly workingDir?: string | URL;
  /** What to leave out of `workingDir`, in the manner of `.gitignore`. Default nothing. */
  readonly excludes?: readonly string[];
  /**
   * npm packages that are installed for the executor's platform: those with compiled code, which no bundle can
   * hold, by name and version, or the folder of a `package.json` and its `package-lock.json`. Versions are looked
   * up once per storage. Default none.
   */
  readonly packages?: Readonly<Record<string, string>> | string | URL;
  /** A function that the task module exports, called once per executor before its first attempt. Default none. */
  readonly setup?: string;
  /** Longest that setting it up may take on an executor, in milliseconds. Default 600,000. */
  readonly setupTimeoutMs?: number;
}

/** The same with paths that mean the same in every process of this machine. */
export function withAbsolutePaths(declared: RuntimeEnv): RuntimeEnv {
  const absolute = (place: string | URL) =>
    place instanceof URL || place.startsWith("file:") ? fileURLToPath(place) : resolve(place);
  const { workingDir, packages } = declared;
  const isPlace = typeof packages === "string" || packages instanceof URL;
  return {
    ...declared,
    ...(workingDir === undefined ? {} : { workingDir: absolute(workingDir) }),
    ...(isPlace ? { packages: absolute(packages) } : {}),
  };
}

/** One file of a working folder; its path has slashes. */
export interface EnvFile {
  readonly path: string;
  readonly object: string;
  readonly hash: string;
  readonly bytes: number;
  readonly executable: boolean;
}

/** A runtime environment as executors set it up: everything that it names is in the object store. */
export interface RuntimeEnvSpec {
  /** Hash of all that it is made of: attempts of two environments never share an executor process. */
  readonly id: string;
  readonly env: Readonly<Record<string, string | SecretRef>>;
  /** List of the working folder's files, and what they come to. */
  readonly files?: { readonly list: ObjectSlot; readonly bytes: number };
  /** Archive of `node_modules` for the executor's platform, and what it comes to when it is unpacked. */
  readonly packages?: { readonly archive: ObjectSlot; readonly bytes: number };
  /** Export of the task module that is called once per executor. */
  readonly setup?: string;
  /** Longest that all of it may take, in milliseconds. */
  readonly setupTimeoutMs: number;
}

/** What planning has to know of the runtime environment of a task type. */
export interface TaskRuntimeEnv {
  readonly id: string;
  /** Hash of its part in cache keys; empty where it has none. */
  readonly version: string;
}

/** A runtime environment that cannot be had. */
export interface BrokenRuntimeEnv {
  readonly problem: string;
  /** What was written meanwhile, oldest first. */
  readonly log: readonly string[];
}

/** Longest that setting an environment up may take where nothing else is said, as with Ray, in milliseconds. */
export const DEFAULT_SETUP_TIMEOUT_MS = 600_000;
