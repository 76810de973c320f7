import { commandLine, wholeNumber } from "../command-line.ts";

/** What the command line asks for. */
export interface Options {
  /** How many words to show. */
  readonly top: number;
  readonly minLetters: number;
}

const DESCRIPTION = `Counts the words of the King James Bible, each of its books on its own.
With STRATOLAB_RUNNER=aws it does so on your stack.`;

/** Reads the command line. */
export function readOptions(argv: readonly string[]): Options {
  return commandLine("npx tsx examples/word-count/main.ts", DESCRIPTION)
    .option("--top <number>", "how many words to show", wholeNumber(1, 1000), 12)
    .option("--min-letters <number>", "leave out words that are shorter", wholeNumber(1, 20), 1)
    .parse(argv)
    .opts<{ top: number; minLetters: number }>();
}
