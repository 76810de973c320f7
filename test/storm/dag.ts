import type { Task } from "stratolab";
import { hungry, hungryOnEcs, link, quick, steady, sum } from "./tasks.ts";

/** A task of the storm, and what it must give. */
export interface Expected {
  readonly name: string;
  readonly n: number;
  readonly task: Task<number>;
  readonly value: number;
}

const QUICK = 155;
const STEADY = 70;
const HUNGRY = 10;
const HUNGRY_ON_ECS = 5;
const SUMS = 30;
/** Short tasks, each of which needs the one before it. */
const LINKS = 30;
const PARTS_OF_A_SUM = 7;

/**
 * 300 tasks over Lambda and ECS, 60 of which need the results of others.
 *
 * @param short 15 of them (5 %) take more memory than they asked for.
 */
export function stormDag(log: string, salt: number, short: boolean): Expected[] {
  const expected: Expected[] = [];
  const add = (name: string, n: number, task: Task<number>, value: number) => {
    const one = { name, n, task, value };
    expected.push(one);
    return one;
  };
  for (let n = 0; n < QUICK; n++) add("quick", n, quick({ n, ms: 80 + ((n * 37) % 120), log, salt }), n * n);
  for (let n = 0; n < STEADY; n++) add("steady", n, steady({ n, ms: 300 + ((n * 53) % 200), log, salt }), n * n);
  const chain = (count: number, name: string, make: typeof hungry, holdMb: number) => {
    const memoryMb = short ? 256 : holdMb + 200;
    let before: Task<number> | number = 0;
    for (let n = 0; n < count; n++) {
      // What is known of an input's size is held true of all larger ones: so each is smaller than the last.
      const pad = "x".repeat(2 ** (count + 8 - n));
      before = add(name, n, make({ n, holdMb, memoryMb, pad, log, before, salt }), n * n).task;
    }
  };
  chain(HUNGRY, "hungry", hungry, 500);
  chain(HUNGRY_ON_ECS, "hungryOnEcs", hungryOnEcs as typeof hungry, 500);
  for (let n = 0; n < SUMS; n++) {
    const parts = Array.from({ length: PARTS_OF_A_SUM }, (_, k) => expected[(n * 29 + k * 41) % (QUICK + STEADY)]);
    const total = parts.reduce((sumSoFar, { value }) => sumSoFar + value, 0);
    add("sum", n, sum({ n, parts: parts.map(({ task }) => task), log, salt }), total);
  }
  let before: Task<number> | number = 0;
  for (let n = 0; n < LINKS; n++) before = add("link", n, link({ n, before, log, salt }), n * n).task;
  return expected;
}
