import { show } from "./options.ts";
import { isPlainObject } from "./wire/codec/shapes.ts";
import type { RuntimeEnv, SecretRef } from "./wire/runtime-env.ts";

const NAMES = ["env", "workingDir", "excludes", "packages", "setup", "setupTimeoutMs"];
const VARIABLE = /^[A-Za-z_]\w*$/;
/** Executors reach their stores by these, and mark their processes. */
const OURS = /^(AWS_|STRATOLAB_)/;
const PACKAGE = /^(@[a-z0-9~-][\w.~-]*\/)?[a-z0-9~-][\w.~-]*$/i;
const EXPORT = /^[A-Za-z_$][\w$]*$/;
const MAX_ENV_CHARACTERS = 32_768;
const MAX_TIMEOUT_MS = 2 ** 31 - 1;

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && isPlainObject(value);
const isText = (value: unknown): value is string => typeof value === "string" && value !== "";

/** What is wrong with a runtime environment, in words; undefined where it is well. */
export function problemOfRuntimeEnv(value: unknown): string | undefined {
  if (!isRecord(value)) return `runtimeEnv must be an object of ${NAMES.join(", ")}, got ${show(value)}`;
  const unknown = Object.keys(value).find((name) => !NAMES.includes(name));
  if (unknown !== undefined) return `unknown option runtimeEnv.${unknown}; known are ${NAMES.join(", ")}`;
  const { env, excludes, packages, setup, setupTimeoutMs, workingDir } = value;
  const must = (name: string, allowed: string, got: unknown) =>
    `runtimeEnv.${name} must be ${allowed}, got ${show(got)}`;
  if (env !== undefined) {
    const problem = problemOfVariables(env);
    if (problem) return problem;
  }
  if (workingDir !== undefined && !isText(workingDir) && !isFileUrl(workingDir)) {
    return must("workingDir", "the path or file URL of a folder", workingDir);
  }
  if (excludes !== undefined && !(Array.isArray(excludes) && excludes.every(isText))) {
    return must("excludes", "a list of patterns as in .gitignore", excludes);
  }
  if (packages !== undefined && !isText(packages) && !isFileUrl(packages)) {
    if (!isRecord(packages)) return must("packages", "versions by package name, or the path of a folder", packages);
    for (const [name, version] of Object.entries(packages)) {
      if (!PACKAGE.test(name)) return `runtimeEnv.packages: ${show(name)} is no name of an npm package`;
      if (!isText(version)) return must(`packages[${show(name)}]`, 'a version such as "^1.2.0"', version);
    }
  }
  if (setup !== undefined && !(isText(setup) && EXPORT.test(setup))) {
    return must("setup", "the name of a function that the task module exports", setup);
  }
  const isTimeout = typeof setupTimeoutMs === "number" && setupTimeoutMs > 0 && setupTimeoutMs <= MAX_TIMEOUT_MS;
  if (setupTimeoutMs !== undefined && !isTimeout) {
    return must("setupTimeoutMs", `a number of milliseconds above 0, at most ${MAX_TIMEOUT_MS}`, setupTimeoutMs);
  }
  return undefined;
}

function problemOfVariables(env: unknown): string | undefined {
  if (!isRecord(env)) return `runtimeEnv.env must be an object of variables, got ${show(env)}`;
  for (const [name, value] of Object.entries(env)) {
    const where = `runtimeEnv.env.${name}`;
    if (!VARIABLE.test(name)) return `${where} is no name of an environment variable`;
    if (OURS.test(name)) {
      return `${where} cannot be set: executors reach their own stores by variables that begin with AWS_ and STRATOLAB_. Permissions are given to the stack's executor role (executorPolicyArns)`;
    }
    // The value may be one that should not be seen: it is not shown.
    if (typeof value === "string" || isSecretRef(value)) continue;
    return `${where} must be a text, { secret: name or ARN, key? } or { parameter: name or ARN }, got ${
      isRecord(value) ? `an object of ${Object.keys(value).join(", ") || "nothing"}` : typeof value
    }`;
  }
  const characters = JSON.stringify(env).length;
  if (characters <= MAX_ENV_CHARACTERS) return undefined;
  return `runtimeEnv.env has ${characters} characters, and may have ${MAX_ENV_CHARACTERS}: put what is large into workingDir`;
}

function isSecretRef(value: unknown): value is SecretRef {
  if (!isRecord(value)) return false;
  const names = Object.keys(value).sort().join();
  if (names === "parameter") return isText(value.parameter);
  return (
    (names === "secret" || names === "key,secret") && isText(value.secret) && (!("key" in value) || isText(value.key))
  );
}

const isFileUrl = (value: unknown): value is URL => value instanceof URL && value.protocol === "file:";

/** The environment of a task: its own over its lab's, variable by variable in `env`. */
export function mergeRuntimeEnvs(lab: RuntimeEnv | undefined, own: RuntimeEnv | undefined): RuntimeEnv | undefined {
  if (!lab || !own) return own ?? lab;
  const given = Object.fromEntries(Object.entries(own).filter(([, value]) => value !== undefined));
  return { ...lab, ...given, ...(lab.env || own.env ? { env: { ...lab.env, ...own.env } } : {}) };
}
