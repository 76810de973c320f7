import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { afterAll, beforeAll } from "vitest";

/** How an example ended, and what it had to say. */
export interface Ended {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const TSX = pathToFileURL(createRequire(import.meta.url).resolve("tsx")).href;

/** Runs an example the way a user does, in a folder of its own: there it keeps its results. */
export function runExample(
  name: string,
  args: readonly string[],
  folder: string,
  env: NodeJS.ProcessEnv = {},
): Promise<Ended> {
  const file = fileURLToPath(new URL(`../../examples/${name}/main.ts`, import.meta.url));
  const child = spawn(process.execPath, ["--import", TSX, file, ...args], {
    cwd: folder,
    env: { ...process.env, STRATOLAB_RUNNER: "", ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (exitCode) => resolve({ exitCode, stdout, stderr }));
  });
}

/** A folder for the tests of a file; it goes when they are done. */
export function temporaryFolder(): { readonly path: string } {
  const folder = { path: "" };
  beforeAll(async () => {
    folder.path = await mkdtemp(join(tmpdir(), "stratolab-example-"));
  });
  afterAll(() => rm(folder.path, { recursive: true, force: true }));
  return folder;
}

/** The line that says how many tasks there were, without the time. */
export const tally = (stdout: string): string | undefined => /^\d+ tasks, \d+ cached/m.exec(stdout)?.[0];
