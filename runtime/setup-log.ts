import { format, inspect } from "node:util";
import { LabError } from "../sdk/wire/lab-error.ts";

const LINES = 30;
const CHARACTERS = 500;

/** A runtime environment could not be set up. */
export class SetupFailure extends LabError {
  /** What was written meanwhile, oldest first. */
  readonly log: readonly string[];

  constructor(message: string, log: readonly string[] = [], cause?: unknown) {
    super("setup-failed", message, cause === undefined ? undefined : { cause });
    this.log = log;
  }
}

export function asSetupFailure(error: unknown, what: string, log: readonly string[] = []): SetupFailure {
  if (error instanceof SetupFailure) return error;
  const { name, message, stack } = error instanceof Error ? error : new Error(inspect(error));
  const said = stack?.includes(message) ? stack.split("\n").slice(0, 6) : [];
  return new SetupFailure(`${what}: ${name}: ${message}`, lastLines([...log, ...said]), error);
}

export const lastLines = (lines: readonly string[]): string[] =>
  lines
    .filter((line) => line.trim() !== "")
    .slice(-LINES)
    .map((line) => (line.length > CHARACTERS ? `${line.slice(0, CHARACTERS)}…` : line));

/**
 * Runs something, and gives what this process writes meanwhile to whoever wants to know why it failed.
 *
 * @param said Is given it, piece by piece, for whoever does not wait until it ends.
 */
export async function withLog<T>(run: () => T | Promise<T>, what: string, said: string[] = []): Promise<T> {
  const streams = [process.stdout, process.stderr].map((stream) => ({ stream, write: stream.write }));
  for (const { stream, write } of streams) {
    stream.write = function recording(this: unknown, ...args: unknown[]): boolean {
      said.push(String(args[0]));
      return Reflect.apply(write, stream, args) as boolean;
    } as typeof stream.write;
  }
  // In the calling process the console may be somebody else's, who does not write to these streams.
  const consoles = (["debug", "log", "info", "warn", "error"] as const).map((name) => [name, console[name]] as const);
  for (const [name] of consoles) {
    const { stream } = streams[name === "warn" || name === "error" ? 1 : 0];
    console[name] = (...parts: unknown[]) => void stream.write(`${format(...parts)}\n`);
  }
  try {
    return await run();
  } catch (error) {
    throw asSetupFailure(error, what, said.join("").split("\n"));
  } finally {
    for (const { stream, write } of streams) stream.write = write;
    for (const [name, original] of consoles) console[name] = original;
  }
}
