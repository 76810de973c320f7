import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { Lab } from "stratolab";
import { afterAll, afterEach, beforeEach, describe, expect, test } from "vitest";
import { mortal } from "../e2e/fixtures/packed-tasks.ts";
import { runScript } from "../support/scripts.ts";
import { add, lengthOf, zeros } from "./fixtures/lab-tasks.ts";
import { LabBench } from "./lab-bench.ts";

const tasks = new URL("fixtures/lab-tasks.ts", import.meta.url);

describe("a lab without storage", () => {
  let before: string | undefined;
  let temporary: string;
  const folder = mkdtempSync(join(tmpdir(), "stratolab-test-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  beforeEach(() => {
    before = process.env.TMPDIR;
    temporary = mkdtempSync(join(tmpdir(), "stratolab-test-"));
    process.env.TMPDIR = temporary;
  });
  afterEach(() => {
    if (before === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = before;
    rmSync(temporary, { recursive: true, force: true });
  });

  test.each(["local", "inline"] as const)(
    "runs tasks on %s, finds nothing again, and leaves nothing",
    async (runner) => {
      const file = join(folder, runner);
      const data = zeros({ length: 10_000 });
      for (let round = 0; round < 2; round++) {
        const lab = new Lab({ tasks, runner, storage: false, progress: false, concurrency: 2 });
        expect(await lab.runTasks([lengthOf({ data }), add({ a: 1, b: 2, file })])).toEqual([10_000, 3]);
        expect(await lab.isCached(data)).toBe(true);
        expect(readdirSync(temporary).length).toBeGreaterThan(0);
        await lab.close();
      }
      expect(readFileSync(file, "utf8")).toBe("1+2\n1+2\n");
      expect(readdirSync(temporary)).toEqual([]);
    },
  );

  test.each(["local", "inline"] as const)("has on %s what it has computed as long as it is open", async (runner) => {
    const file = join(folder, `${runner}-again`);
    await using lab = new Lab({ tasks, runner, storage: false, progress: false, concurrency: 2 });
    const sums = [1, 2, 3].map((a) => add({ a, b: 1, file }));
    expect(await lab.isCached(sums[0])).toBe(false);
    for (let round = 0; round < 2; round++) expect(await lab.runTasks(sums)).toEqual([2, 3, 4]);
    expect(await lab.isCached(sums[0])).toBe(true);
    expect((await lab.cachedTasks({ type: "add" })).map((task) => (task.params as { a: number }).a).sort()).toEqual([
      1, 2, 3,
    ]);
    await lab.uncache([sums[1]]);
    expect(await lab.isCached(sums[1])).toBe(false);
    expect(await lab.runTasks(sums)).toEqual([2, 3, 4]);
    expect(readFileSync(file, "utf8").split("\n").filter(Boolean).sort()).toEqual(["1+1", "2+1", "2+1", "3+1"]);
  });

  test("keeps what was done in a dispatch before a task that kills its process", async () => {
    const log = join(folder, "mortal");
    const mortals = new URL("../e2e/fixtures/packed-tasks.ts", import.meta.url);
    await using lab = new Lab({ tasks: mortals, storage: false, progress: false, concurrency: 1 });
    const tasks = (dies: number, salt: number) =>
      Array.from({ length: 60 }, (_, n) => mortal({ n, dies: n === dies, log, salt }));
    // Durations are known then, so that one dispatch has many.
    for (let salt = 1; salt <= 3; salt++) await lab.runTasks(tasks(-1, salt));
    for (let salt = 4; salt <= 8; salt++) {
      rmSync(log);
      expect(await lab.runTasks(tasks(25, salt))).toHaveLength(60);
      const executed = readFileSync(log, "utf8").trim().split("\n").map(Number);
      const twice = executed.filter((n, at) => executed.indexOf(n) < at);
      expect(twice).toEqual([25]);
    }
  });

  test("has no run that could be handed over", async () => {
    await using lab = new Lab({ tasks, storage: false, progress: false, concurrency: 1 });
    await expect(lab.submit([zeros({ length: 1 })])).rejects.toThrow("storage: false keeps nothing");
  });
});

test("a storage is a folder by its path or its URL, and what is neither is refused by name", async () => {
  await using bench = new LabBench();
  const folder = join(bench.folder, "there");
  const sum = add({ a: 1, b: 2, file: bench.file });
  await bench.lab({ storage: pathToFileURL(folder).href }).runTask(sum);
  expect(existsSync(join(folder, "control.lmdb"))).toBe(true);
  expect(await bench.lab({ storage: folder }).isCached(sum)).toBe(true);
  const opened = (storage: string) => bench.lab({ storage }).isCached(sum);
  await expect(opened("gs://bucket/x")).rejects.toThrow(
    'storage must be a folder, a file:// URL, s3://bucket/prefix or false, got "gs://bucket/x"',
  );
  await expect(opened("s3:///x")).rejects.toThrow('storage "s3:///x" names no bucket: give s3://bucket/prefix');
  expect(() => bench.lab({ storage: true as never })).toThrow(
    "storage must be a folder, a file:// URL, s3://bucket/prefix or false, got true",
  );
  await expect(bench.lab({ runner: "aws", storage: false }).isCached(sum)).rejects.toThrow(
    "storage false is for runners on this machine",
  );
});

test("processes that compute the same at the same time on one folder have one result each, and the same", async () => {
  await using bench = new LabBench();
  const storage = join(bench.folder, "storage");
  const scripts = [1, 2, 3].map(() => runScript("sdk/fixtures/shared-script.ts", [storage, bench.file]));
  const results = await Promise.all(scripts.map(({ ended }) => ended));
  for (const { exitCode, stderr, stdout } of results) {
    expect([exitCode, stderr]).toEqual([0, ""]);
    expect(stdout).toBe(results[0].stdout);
  }
  const lab = bench.lab();
  expect((await lab.cachedTasks()).length).toBe(13);
  for (const task of await lab.cachedTasks()) expect((await lab.whyNotCached(task)).kind).toBe("found");
});
