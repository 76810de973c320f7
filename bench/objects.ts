import { type ChildProcess, execFileSync, fork } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Lab } from "stratolab";
import type { Benchmark, Figure } from "./benchmark.ts";
import { makeArray, sumArray } from "./fixtures/object-tasks.ts";
import { peakMemory } from "./memory.ts";
import { builtFixture } from "./processes.ts";

const LENGTH = 12_500_000;
const DEPENDENTS = 8;
const FILES = 1_000;
const FILE_LENGTH = 125_000;
const MEGABYTES = (LENGTH * 8) / 1e6;

const seconds = async (act: () => unknown): Promise<number> => {
  const start = performance.now();
  await act();
  return (performance.now() - start) / 1_000;
};

/** One array for several tasks; `salt` keeps it from being cached. */
async function arrayForEight(lab: Lab, salt: number): Promise<void> {
  const values = makeArray({ length: LENGTH, salt });
  const sums = await lab.runTasks(Array.from({ length: DEPENDENTS }, (_, index) => sumArray({ values, index })));
  if (sums.some((sum) => sum !== (LENGTH * (LENGTH - 1)) / 2)) throw new Error("the sums are wrong");
}

/** Many results of 1 MB, written by executors and read by the driver. */
async function manyResults(lab: Lab): Promise<void> {
  const results = await lab.runTasks(
    Array.from({ length: FILES }, (_, salt) => makeArray({ length: FILE_LENGTH, salt })),
  );
  if (results.some((values) => values.length !== FILE_LENGTH)) throw new Error("the results are wrong");
}

/** What was written before is on the disk: nobody pays for it later. */
const settleDisk = () => execFileSync("sync");

/** The same files, written and read one after another. */
function plainFiles(folder: string): void {
  const values = new Float64Array(FILE_LENGTH).map((_, index) => index);
  const bytes = new Uint8Array(values.buffer);
  const paths = Array.from({ length: FILES }, (_, index) => join(folder, String(index)));
  for (const path of paths) writeFileSync(path, bytes);
  const read = paths.map((path) => readFileSync(path));
  if (read.some(({ byteLength }) => byteLength !== bytes.byteLength)) throw new Error("the files are wrong");
}

/** The same work by two processes that do nothing else: one writes a file, both map it for each sum. */
async function bareSeconds(folder: string): Promise<number> {
  const script = await builtFixture("object-process");
  const processes = [fork(script), fork(script)];
  const ended = Promise.race(processes.map((each) => once(each, "exit")));
  const ask = async (each: ChildProcess, what: "write" | "sum", file: string, length: number): Promise<unknown> => {
    const answered = once(each, "message");
    each.send({ what, file, length });
    // One that ends is not waited for.
    const [answer] = await Promise.race([answered, ended]);
    if (each.exitCode !== null) throw new Error(`a bare process ended with ${each.exitCode}`);
    return answer;
  };
  const round = async (name: string, length: number) => {
    const file = join(folder, name);
    await ask(processes[0], "write", file, length);
    const sums = await Promise.all(
      processes.map(async (each) => {
        const own: unknown[] = [];
        for (let n = 0; n < DEPENDENTS / processes.length; n++) own.push(await ask(each, "sum", file, length));
        return own;
      }),
    );
    if (sums.flat().some((sum) => sum !== (length * (length - 1)) / 2)) throw new Error("the sums are wrong");
  };
  try {
    for (let n = 0; n < 4; n++) await round(`small ${n}`, 10);
    const times: number[] = [];
    for (let n = 0; n < 3; n++) times.push(await seconds(() => round(`large ${n}`, LENGTH)));
    return times.sort((a, b) => a - b)[1];
  } finally {
    for (const each of processes) each.kill();
  }
}

/** Large results between tasks of this machine, and many of them. */
export const objects: Benchmark = {
  name: "objects",
  workload: `a Float64Array of ${MEGABYTES} MB made by one task and summed by ${DEPENDENTS} on two warm local executors; ${FILES.toLocaleString("en")} results of 1 MB`,
  runs: 3,
  async run(): Promise<Figure[]> {
    const folder = mkdtempSync(join(tmpdir(), "stratolab-bench-"));
    // Executors inherit it.
    process.env.STRATOLAB_BENCH = folder;
    const storage = join(folder, "storage");
    const lab = new Lab({
      tasks: new URL("./fixtures/object-tasks.ts", import.meta.url),
      storage,
      concurrency: 2,
      progress: false,
    });
    try {
      await lab.runTasks(
        [1, 2, 3, 4].map((index) => sumArray({ values: makeArray({ length: 10, salt: index }), index })),
      );
      const times = [];
      for (let salt = 1; salt <= 3; salt++) times.push(await seconds(() => arrayForEight(lab, salt)));
      const middle = times.sort((a, b) => a - b)[1];
      const bare = await bareSeconds(folder);
      const { ofOne } = await peakMemory(`STRATOLAB_BENCH=${folder}`, () => arrayForEight(lab, 4));
      const plainFolder = mkdtempSync(join(folder, "plain-"));
      settleDisk();
      const plain = await seconds(() => plainFiles(plainFolder));
      rmSync(plainFolder, { recursive: true });
      settleDisk();
      const many = await seconds(() => manyResults(lab));
      return [
        {
          what: `one array for ${DEPENDENTS} tasks`,
          value: middle,
          unit: "s",
          goal: "half of Ray's",
        },
        { what: "the same without stratolab: a file, and two processes that map it", value: bare, unit: "s" },
        {
          what: "peak memory of an executor (PSS)",
          value: ofOne,
          unit: "MB",
          against: { what: "the array", value: MEGABYTES },
          goal: "less than two copies",
        },
        {
          what: `${FILES.toLocaleString("en")} results of 1 MB`,
          value: many,
          unit: "s",
          against: { what: "a plain write and read of the same files", value: plain },
          goal: "1.5 times",
        },
      ];
    } finally {
      await lab.close();
      rmSync(folder, { recursive: true, force: true });
    }
  },
};
