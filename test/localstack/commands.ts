import { type ChildProcess, spawn } from "node:child_process";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { fileURLToPath, pathToFileURL } from "node:url";

/** A TypeScript program that runs as a process of its own. */
export interface Program {
  readonly child: ChildProcess;
  /** The first line that it writes to its standard output. */
  readonly firstLine: Promise<string>;
  /** All that it writes to its standard output. */
  readonly output: Promise<string>;
  /** How it ends: what it wrote to its standard error, and its exit code. */
  readonly ended: Promise<{ exitCode: number | null; errors: string }>;
}

const TSX = pathToFileURL(createRequire(import.meta.url).resolve("tsx")).href;

/** Runs a file of this repository, named from here. */
export function startProgram(file: string, args: readonly string[] = [], environment = process.env): Program {
  const child = spawn(process.execPath, ["--import", TSX, fileURLToPath(new URL(file, import.meta.url)), ...args], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...environment, AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: "true" },
  });
  let errors = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    errors += text;
  });
  const firstLine = new Promise<string>((resolve) => createInterface({ input: child.stdout }).once("line", resolve));
  let written = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    written += text;
  });
  const output = new Promise<string>((resolve) => child.once("close", () => resolve(written)));
  const ended = new Promise<{ exitCode: number | null; errors: string }>((resolve) =>
    child.once("close", (exitCode) => resolve({ exitCode, errors })),
  );
  return { child, firstLine, output, ended };
}
