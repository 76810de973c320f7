import { Command } from "commander";
import { fuzz } from "./fuzz.ts";

const program = new Command("npm run fuzz --")
  .description("Sends random values through the codec and back, and hands it as many buffers that were changed.")
  .option("--values <n>", "how many of each", Number, 100_000)
  .option("--seed <n>", "where the random values begin", Number, 1)
  .parse();
const { values, seed } = program.opts<{ values: number; seed: number }>();
if (!(Number.isInteger(values) && values >= 1 && Number.isInteger(seed))) {
  process.stderr.write(`fuzz: --values must be a whole number, at least 1, and --seed a whole number\n`);
  process.exit(1);
}
const { roundTrips, refused, refusedByHash, failures } = fuzz(seed, values);
for (const failure of failures.slice(0, 10)) process.stdout.write(`${failure}\n`);
process.stdout.write(
  `${roundTrips} values round-trip; ${refused + refusedByHash} changed buffers are refused ` +
    `(${refused} when decoded, ${refusedByHash} by the hash that they are stored with); ${failures.length} failures\n`,
);
process.exit(failures.length > 0 ? 1 : 0);
