import { Command } from "commander";
import { simulate } from "./simulate.ts";

const { seeds, first, history } = new Command("simulate")
  .description("Runs seeded fault simulations of the scheduler; exits 1 on a violated invariant.")
  .option("--seeds <n>", "how many seeds to run", Number, 1_000)
  .option("--first <s>", "the first seed", Number, 1)
  .option("--history", "print every event and command of each run")
  .parse()
  .opts<{ seeds: number; first: number; history?: true }>();

if (!Number.isInteger(seeds) || seeds < 1 || !Number.isInteger(first)) {
  console.error(`simulate: --seeds must be a positive integer and --first an integer, got ${seeds} and ${first}`);
  process.exit(1);
}

let violated = 0;
let steps = 0;
for (let seed = first; seed < first + seeds; seed++) {
  const result = simulate(seed);
  steps += result.steps;
  if (history || result.violations.length > 0) for (const line of result.history) console.log(`  ${line}`);
  if (result.violations.length === 0) continue;
  violated += 1;
  for (const violation of result.violations) console.log(`seed ${seed}: ${violation}`);
  console.log(`replay with: npm run simulate -- --seeds 1 --first ${seed}`);
}
console.log(`${seeds} seeds simulated, ${steps} steps, ${violated} with a violated invariant`);
process.exit(violated > 0 ? 1 : 0);
