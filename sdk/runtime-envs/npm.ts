import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { SetupProblem } from "./setup-problem.ts";

const run = promisify(execFile);

const LOG_LINES = 30;
const TIMEOUT_MS = 600_000;
const MAX_OUTPUT = 16 * 2 ** 20;
const QUIET = ["--no-audit", "--no-fund", "--no-update-notifier", "--loglevel=error"];

/** Runs the npm of this machine in a folder. @throws SetupProblem with what npm has said. */
export async function npm(args: readonly string[], folder: string): Promise<void> {
  try {
    await run("npm", [...args, ...QUIET], {
      cwd: folder,
      timeout: TIMEOUT_MS,
      maxBuffer: MAX_OUTPUT,
      // There npm is a script.
      shell: process.platform === "win32",
    });
  } catch (error) {
    const {
      code,
      stdout = "",
      stderr = "",
      message,
    } = error as Error & {
      code?: unknown;
      stdout?: string;
      stderr?: string;
    };
    if (code === "ENOENT")
      throw new SetupProblem("packages: there is no npm on this machine's PATH to install them with");
    const lines = `${stdout}\n${stderr}`.split("\n").filter((line) => line.trim() !== "");
    const [first = message] = lines.filter((line) => /npm (error|ERR!) (?!code|A complete log)/.test(line));
    const what = first.replace(/^npm (error|ERR!) /, "");
    throw new SetupProblem(`packages: npm ${args[0]} failed: ${what}`, lines.slice(-LOG_LINES));
  }
}
