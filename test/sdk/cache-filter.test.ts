import type { Task } from "stratolab";
import { expect, test } from "vitest";
import { openLocalStores } from "../../sdk/stores/local/open.ts";
import { cli } from "../cli/run-cli.ts";
import { add, zeros } from "./fixtures/lab-tasks.ts";
import { LabBench } from "./lab-bench.ts";

const DAY_MS = 86_400_000;
const shown = (tasks: readonly Task<unknown>[]) => tasks.map(String).sort();

/** Makes results of this many days ago. */
async function age(storage: string, name: string, days: number): Promise<void> {
  const { table } = await openLocalStores(storage);
  for await (const item of table.scan("R#")) {
    if (item.n === name) await table.put({ ...item, t: Number(item.t) - days * DAY_MS });
  }
  await table.close();
}

test("results are listed and deleted by type and age, in code and on the command line", async () => {
  await using bench = new LabBench();
  const { file, folder } = bench;
  const storage = `${folder}/storage`;
  const lab = bench.lab();
  await lab.runTasks([zeros({ length: 1 }), zeros({ length: 2 })]);
  await age(storage, "zeros", 10);
  await lab.runTasks([zeros({ length: 3 }), add({ a: 1, b: 2, file })]);
  expect(shown(await lab.cachedTasks({ type: zeros, olderThanMs: DAY_MS }))).toEqual(
    [zeros({ length: 1 }), zeros({ length: 2 })].map(String),
  );
  expect(shown(await lab.cachedTasks({ type: "add" }))).toEqual([String(add({ a: 1, b: 2, file }))]);
  expect((await lab.cachedTasks({ olderThanMs: 20 * DAY_MS })).length).toBe(0);

  const old = ["tasks", "zeros", "--storage", storage, "--older-than", "1d"];
  expect(JSON.parse((await cli(folder, [...old, "--json"])).stdout).length).toBe(2);
  const url = `file://${storage}`;
  expect((await cli(folder, ["tasks", "--storage", url, "--delete"])).stderr).toMatch(
    /--delete needs the name of a task/,
  );
  expect(await lab.uncache({ type: zeros, olderThanMs: 20 * DAY_MS })).toBe(0);
  expect((await cli(folder, [...old, "--delete"])).stdout).toBe("deleted 2 results\n");
  expect((await lab.whyNotCached(zeros({ length: 1 }))).kind).toBe("deleted");
  expect(await lab.uncache({ type: zeros })).toBe(1);
  expect(shown(await lab.cachedTasks())).toEqual([String(add({ a: 1, b: 2, file }))]);

  await expect(lab.uncache({})).rejects.toThrow("uncache needs an array of tasks, or a filter");
  await expect(lab.uncache({ type: 7 as never })).rejects.toThrow("uncache: type must be a task definition");
  await expect(lab.cachedTasks({ olderThanMs: -1 })).rejects.toThrow("olderThanMs must be milliseconds, 0 or more");
});
