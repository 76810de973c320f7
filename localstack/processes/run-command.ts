import { spawn } from "node:child_process";

/** How a command ended. */
export interface CommandResult {
  /** `undefined` when it could not be started at all. */
  readonly exitCode: number | undefined;
  /** Its standard output and error, as they came. */
  readonly output: string;
}

/** Options of {@link runCommand}. */
export interface CommandOptions {
  readonly cwd?: string;
  /** The whole environment, not an addition to ours. */
  readonly env?: NodeJS.ProcessEnv;
  /** Told each line of output as it comes. */
  readonly onLine?: (line: string) => void;
}

/** Runs a command to its end. Never throws: a command that cannot be started has no exit code. */
export function runCommand(
  command: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<CommandResult> {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd: options.cwd,
      env: options.env ?? process.env,
      stdio: ["ignore", "pipe", "pipe"],
    });
    let output = "";
    let partial = "";
    const take = (chunk: string) => {
      output += chunk;
      const lines = (partial + chunk).split("\n");
      partial = lines.pop() ?? "";
      for (const line of lines) options.onLine?.(line);
    };
    child.stdout.setEncoding("utf8").on("data", take);
    child.stderr.setEncoding("utf8").on("data", take);
    child.once("error", (error) => resolve({ exitCode: undefined, output: error.message }));
    child.once("close", (exitCode) => {
      if (partial) options.onLine?.(partial);
      resolve({ exitCode: exitCode ?? 1, output });
    });
  });
}

/** The last lines of some output that say anything, for an error message. */
export const lastLines = (output: string, count: number): string =>
  output
    .split("\n")
    .filter((line) => line.trim() !== "")
    .slice(-count)
    .join("\n");
