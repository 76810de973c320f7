import { Command, InvalidArgumentError } from "commander";
import { Progress } from "./progress.ts";
import { replayOf, Tally, violationInWords } from "./report.ts";
import { scenarioOf } from "./scenario.ts";
import { shrink } from "./shrink.ts";
import { simulate, simulateScenario } from "./simulate.ts";

interface Options {
  readonly seeds: number;
  readonly first: number;
  readonly seed?: number;
  readonly shrink: boolean;
  readonly json?: true;
}

/** Shrinking takes a while: of many violations the first few are shown in full. */
const SHOWN_IN_FULL = 3;

function wholeNumber(least: number) {
  return (text: string): number => {
    const number = Number(text);
    if (!Number.isSafeInteger(number) || number < least) {
      throw new InvalidArgumentError(`It must be a whole number from ${least} on.`);
    }
    return number;
  };
}

const options = new Command("simulate")
  .description("Runs seeded fault simulations of the scheduler; exits 1 on a violated invariant.")
  .option("--seeds <n>", "how many seeds to run", wholeNumber(1), 1_000)
  .option("--first <s>", "the first seed", wholeNumber(0), 1)
  .option(
    "--seed <s>",
    "one seed, with its whole history; the shortest found if it violates an invariant",
    wholeNumber(0),
  )
  .option("--no-shrink", "leave failing histories at their full length")
  .option("--json", "one JSON object instead of text")
  .addHelpText("after", "\nExamples:\n  npm run simulate -- --seeds 10000\n  npm run simulate -- --seed 42")
  .parse()
  .opts<Options>();

const print = (text: string) => {
  if (!options.json) console.log(text);
};

const failing = (seed: number) => {
  const scenario = scenarioOf(seed);
  return options.shrink ? shrink(scenario) : { scenario, result: simulateScenario(scenario, true) };
};

const first = options.seed ?? options.first;
const count = options.seed === undefined ? options.seeds : 1;
const tally = new Tally();
const violations: { seed: number; invariant: string; seen: string; history: readonly string[] }[] = [];
const progress = new Progress(count);

for (let seed = first; seed < first + count; seed++) {
  const result = options.seed === undefined ? simulate(seed) : simulateScenario(scenarioOf(seed), true);
  tally.add(result);
  progress.at(tally.seeds, tally.violated);
  const [violation] = result.violations;
  if (!violation) {
    for (const line of result.history) print(line);
    continue;
  }
  if (tally.violated > SHOWN_IN_FULL) {
    print(`seed ${seed}: ${violation.invariant}: ${violation.seen}; replay with: ${replayOf(seed)}`);
    violations.push({ seed, ...violation, history: [] });
    continue;
  }
  const shrunk = failing(seed);
  print(violationInWords(seed, shrunk));
  violations.push({ seed, ...shrunk.result.violations[0], history: shrunk.result.history });
}
progress.end();

if (options.json) {
  const { seeds, steps, virtualMs, violated } = tally;
  console.log(
    JSON.stringify({ first, seeds, steps, virtualMs, violated, faults: Object.fromEntries(tally.faults), violations }),
  );
} else {
  console.log(`faults: ${tally.faultsInWords}`);
  console.log(tally.inWords);
}
process.exitCode = tally.violated > 0 ? 1 : 0;
