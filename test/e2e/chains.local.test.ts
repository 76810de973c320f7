import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Lab } from "stratolab";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openLocalStores } from "../../sdk/stores/local/open.ts";
import { listResults } from "../../sdk/stores/result-search.ts";
import { chain, link, passing, tree } from "./fixtures/chain-tasks.ts";

const folder = mkdtempSync(join(tmpdir(), "chains-"));
let dispatches = 0;
const lab = new Lab({
  tasks: new URL("./fixtures/chain-tasks.ts", import.meta.url),
  storage: folder,
  concurrency: 1,
  progress: ({ type }) => {
    if (type === "task-started") dispatches += 1;
  },
});
// From here on it is known how long they take.
beforeAll(() => lab.runTasks([tree(32, 1), chain(link, 30, 1), chain(passing, 30, 1)]));
afterAll(async () => {
  await lab.close();
  rmSync(folder, { recursive: true, force: true });
});

async function storedOf(name: string): Promise<number> {
  const { table } = await openLocalStores(folder);
  let count = 0;
  for await (const record of listResults(table, undefined)) if (record.name === name) count += 1;
  await table.close();
  return count;
}

test("a tree takes fewer dispatches than it has additions", async () => {
  const before = dispatches;
  expect(await lab.runTask(tree(128, 2))).toBe(8_128);
  expect(dispatches - before).toBeLessThan(127);
});

test("results that only the next task needs are stored nowhere, unless they are to be cached", async () => {
  expect(await lab.runTask(chain(passing, 100, 2))).toBe(100);
  expect(await lab.runTask(chain(link, 100, 2))).toBe(100);
  expect(await storedOf("link")).toBe(130);
  expect(await storedOf("passing")).toBeLessThan(130);
});

test("one that fails in the middle is tried again with the result it had been handed, and nothing before it", async () => {
  const log = join(folder, "executions");
  expect(await lab.runTask(chain(passing, 60, 3, log, 40))).toBe(60);
  const executed = readFileSync(log, "utf8").trim().split("\n").map(Number);
  const once = Array.from({ length: 60 }, (_, n) => n);
  expect(executed.sort((a, b) => a - b)).toEqual([...once.slice(0, 41), ...once.slice(40)]);
});
