import { Command, InvalidArgumentError } from "commander";
import { LabError, RunError } from "stratolab";

/** A parser for options that are whole numbers; others are refused in one line. */
export const wholeNumber = (low: number, high: number) => (text: string) => {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= low && value <= high) return value;
  throw new InvalidArgumentError(`It must be a whole number from ${low} to ${high}.`);
};

/** The command line of an example: what is wrong with it is told in one line, and ends the process. */
export function commandLine(usage: string, description: string): Command {
  return new Command().name(usage).description(description).allowExcessArguments(false).showSuggestionAfterError(false);
}

/**
 * Tells in one line what is wrong with a lab, such as a stack that is not there, or that a run was
 * cancelled. Errors of tasks, and all others, are printed whole.
 */
export function tellErrorsPlainly(): void {
  process.once("uncaughtException", (error) => {
    console.error(inOneLine(error) ?? error);
    process.exit(1);
  });
}

function inOneLine(error: unknown): string | undefined {
  if (!(error instanceof LabError)) return undefined;
  if (error.kind === "cancelled") return "cancelled; what was finished is kept for the next time";
  return error instanceof RunError ? undefined : `error: ${error.message}`;
}
