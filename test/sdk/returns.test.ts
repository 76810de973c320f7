import { readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { type RunError, task } from "stratolab";
import { describe, expect, test } from "vitest";
import { nested, parts, sumOf, two, wrong } from "./fixtures/return-tasks.ts";
import { LabBench } from "./lab-bench.ts";

const tasks = new URL("fixtures/return-tasks.ts", import.meta.url);
const SIZE = 20_000;

/** Files of results, largest first. */
const resultFiles = (folder: string) =>
  readdirSync(join(folder, "storage", "objects", "results"), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));

describe.each(["inline", "local"] as const)("several returns on %s", (runner) => {
  test("are taken each alone, cached together, and made again when one is lost", async () => {
    await using bench = new LabBench();
    const lab = bench.lab({ tasks, runner });
    const made = parts({ size: SIZE, file: bench.file });
    const { small, large, other } = made.returns;
    expect(await lab.runTasks([small, sumOf({ values: large }), two({ n: 3 }), two({ n: 3 }).returns[1]])).toEqual([
      { size: SIZE },
      SIZE,
      [3, "3"],
      "3",
    ]);
    expect(await lab.isCached(other)).toBe(true);
    const files = resultFiles(bench.folder);
    expect(files.map((file) => statSync(file).size > SIZE * 8)).toEqual([true, true]);

    // The others may be gone: a dependent of one does not ask for them.
    const holds = (value: number) => (file: string) =>
      readFileSync(file).readDoubleLE(statSync(file).size - 8) === value;
    for (const file of files.filter(holds(2))) rmSync(file);
    expect(await lab.runTask(sumOf({ values: large, tag: 1 }))).toBe(SIZE);
    expect(bench.lines()).toEqual(["parts"]);
    expect(await lab.runTask(sumOf({ values: other }))).toBe(2 * SIZE);
    expect(bench.lines()).toEqual(["parts", "parts"]);
    expect(await lab.runTask(made)).toMatchObject({ small: { size: SIZE } });

    await lab.uncache([made]);
    expect(resultFiles(bench.folder)).toEqual([]);
  });

  test("are taken from tasks that tasks run", async () => {
    await using bench = new LabBench();
    const lab = bench.lab({ tasks, runner });
    expect(await lab.runTask(nested({ size: SIZE, file: bench.file }))).toEqual([SIZE, SIZE, SIZE]);
  });

  test("have to be the ones that are declared", async () => {
    await using bench = new LabBench();
    const lab = bench.lab({ tasks, runner });
    const failed = async (what: "less" | "more" | "list") =>
      ((await lab.runTask(wrong({ what })).catch((error) => error)) as RunError).message;
    expect(await failed("less")).toContain("returned an object without b");
    expect(await failed("more")).toContain("returned c, too");
    expect(await failed("list")).toContain("must return an object with these, got an array");
  });
});

test("a run that is attached to gives the returns that it was asked for", async () => {
  await using bench = new LabBench();
  const lab = bench.lab({ tasks, runner: "local" });
  const { large, small } = parts({ size: SIZE, file: bench.file }).returns;
  const run = lab.start([small, sumOf({ values: large }), large]);
  const results = await run.results();
  const [again] = await lab.cachedTasks({ type: sumOf });
  expect(String((again.params as { values: unknown }).values)).toContain("returns.large");
  expect(await lab.runTask(again)).toBe(SIZE);
  await lab.close();
  const attached = await bench.onlooker().attach(run.id);
  expect(await attached.results()).toEqual(results);
});

test.each([[0], [1.5], [[]], [["a", "a"]], [["1st"]], ["ab"], [{ a: 1 }]])(
  "returns: %j is refused by name",
  (returns) => {
    expect(() => task({ name: "t", returns: returns as never, run: () => ({}) as never })).toThrow(
      /^task t: returns must be a whole number/,
    );
  },
);
