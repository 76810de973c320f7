import { fileURLToPath } from "node:url";
import { commandLine, wholeNumber } from "../command-line.ts";

/** What the command line asks for. */
export interface Options {
  /** How many digits to learn from. */
  readonly digits: number;
  /** Decides which digits those are, and which of them is in which fold. */
  readonly seed: number;
  readonly quick: boolean;
  /** Folder for the chart. */
  readonly out: string;
}

const DESCRIPTION = `Finds the best of three kinds of models for handwritten digits, and says how good it really is.
With STRATOLAB_RUNNER=aws it does so on your stack.`;
const OUT = fileURLToPath(new URL("./out", import.meta.url));

/** Reads the command line. */
export function readOptions(argv: readonly string[]): Options {
  const { digits, seed, quick, out } = commandLine("npm run quickstart --", DESCRIPTION)
    .option("-n, --digits <number>", "digits to learn from (default: 700; quick: 400)", wholeNumber(200, 6000))
    .option(
      "--seed <number>",
      "decides which digits are taken, and which is in which fold",
      wholeNumber(0, 2 ** 32 - 1),
      1,
    )
    .option("--quick", "a small sweep, done in seconds", false)
    .option("--out <folder>", "where to write the chart (default: examples/digits-sweep/out)")
    .parse(argv)
    .opts<{ digits?: number; seed: number; quick: boolean; out?: string }>();
  return { digits: digits ?? (quick ? 400 : 700), seed, quick, out: out ?? OUT };
}
