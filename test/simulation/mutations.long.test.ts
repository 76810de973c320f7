import { afterAll, expect, test } from "vitest";
import { simulationOf } from "./mutate.ts";
import { MUTATIONS } from "./mutations.ts";
import { simulate } from "./simulate.ts";

/** Within how many seeds a broken scheduler has to be caught. */
const SEEDS = 3_000;

const caught: string[] = [];

test.each(MUTATIONS)("a scheduler that $name is caught", async (mutation) => {
  const broken = await simulationOf(mutation);
  for (let seed = 1; seed <= SEEDS; seed++) {
    const [violation] = broken.simulate(seed).violations;
    if (!violation) continue;
    caught.push(`after ${seed} seeds, by "${violation.invariant}": ${mutation.name}`);
    return;
  }
  expect.fail(`not caught within ${SEEDS} seeds`);
});

test("the simulation is the same in a bundle, where nothing is broken", async () => {
  const whole = await simulationOf(undefined);
  for (let seed = 1; seed <= 20; seed++) expect(whole.simulate(seed)).toEqual(simulate(seed));
});

afterAll(() => console.log(caught.join("\n")));
