import { seededRandom } from "../sdk/core/random.ts";

/** A DAG by the inputs of each task; every input comes before the tasks that need it. */
export interface Dag {
  readonly name: string;
  readonly tasks: number;
  /** Calls back with the position of each input of a task. */
  inputsOf(task: number, visit: (input: number) => void): void;
}

/** Tasks that need nothing of each other. */
export const wide = (tasks: number): Dag => ({ name: "wide", tasks, inputsOf: () => {} });

/** Each task needs the one before it. */
export const chain = (tasks: number): Dag => ({
  name: "chain",
  tasks,
  inputsOf: (task, visit) => {
    if (task > 0) visit(task - 1);
  },
});

/** Each task needs three others, drawn from all before it. */
export function random(tasks: number, seed: number): Dag {
  const draw = seededRandom(seed);
  const inputs = new Int32Array(tasks * 3).fill(-1);
  for (let task = 1; task < tasks; task++) {
    const fanIn = Math.min(3, task);
    for (let at = 0; at < fanIn; ) {
      const input = Math.floor(draw() * task);
      if (inputs.subarray(task * 3, task * 3 + at).includes(input)) continue;
      inputs[task * 3 + at] = input;
      at += 1;
    }
  }
  return {
    name: "random, three inputs each",
    tasks,
    inputsOf: (task, visit) => {
      for (let at = task * 3; at < task * 3 + 3; at++) if (inputs[at] >= 0) visit(inputs[at]);
    },
  };
}
