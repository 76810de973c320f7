import { describe, expect, test } from "vitest";
import { openBucketStores } from "../../sdk/stores/aws/open.ts";
import { StackOutput } from "../../sdk/wire/stack-outputs.ts";
import { testControlTable } from "../stores/control-table-suite.ts";
import { runScript } from "../support/scripts.ts";
import { thisStack } from "../support/this-stack.ts";
import { lengthOf, zeros } from "./fixtures/lab-tasks.ts";
import { kept, series, sum } from "./fixtures/left-tasks.ts";
import { LabBench } from "./lab-bench.ts";

const leftTasks = new URL("fixtures/left-tasks.ts", import.meta.url);
const bucket = () => thisStack().outputs[StackOutput.bucket];
const stores = () => openBucketStores({ kind: "s3", bucket: bucket(), prefix: "shared/suite/" });

testControlTable("a bucket", async () => ({ table: stores().table }), { batches: false });

test("objects below a prefix are told by their keys without it", async () => {
  const { objects } = stores();
  const [key, bytes] = [`content/${Date.now()}`, Uint8Array.of(1, 2, 3)];
  await objects.put(key, { chunks: [bytes], byteLength: 3 });
  const found: string[] = [];
  for await (const object of objects.list("content/")) found.push(object.key);
  expect(found).toContain(key);
  expect(await objects.stat(key)).toMatchObject({ key, bytes: 3 });
  expect(Uint8Array.from((await objects.getRange(key, 1, 9)) as Uint8Array)).toEqual(Uint8Array.of(2, 3));
  expect([await objects.has(key), await objects.touch(key)]).toEqual([true, true]);
  await objects.deleteMany([key]);
  expect(await objects.get(key)).toBeUndefined();
});

describe("storage: s3://bucket/prefix with runners of this machine", () => {
  test("is shared by processes that compute the same at once, and by labs with other prefixes not", async () => {
    await using bench = new LabBench();
    const storage = `s3://${bucket()}/shared/labs`;
    const scripts = [1, 2].map(() => runScript("sdk/fixtures/shared-script.ts", [storage, bench.file]));
    const results = await Promise.all(scripts.map(({ ended }) => ended));
    for (const { exitCode, stderr, stdout } of results) {
      expect([exitCode, stderr]).toEqual([0, ""]);
      expect(stdout).toBe(results[0].stdout);
    }
    const lab = bench.lab({ storage });
    const cached = await lab.cachedTasks();
    expect(cached.length).toBe(13);
    for (const task of cached) expect((await lab.whyNotCached(task)).kind).toBe("found");
    const data = zeros({ length: 5_000 });
    expect(await bench.lab({ storage: `${storage}-of-others` }).isCached(data)).toBe(false);

    // An object that was changed is seen by its hash, computed again and reported.
    const { objects } = openBucketStores({ kind: "s3", bucket: bucket(), prefix: "shared/labs/" });
    for await (const { key, bytes } of objects.list("results/")) {
      await objects.deleteMany([key]);
      await objects.put(key, { chunks: [new Uint8Array(bytes)], byteLength: bytes });
    }
    expect((await lab.whyNotCached(data)).kind).toBe("corrupt");
    const local = bench.lab({ storage, runner: "local" });
    expect((await local.runTask(data)).length).toBe(5_000);
    expect(bench.events).toContainEqual(
      expect.objectContaining({
        type: "notice",
        text: expect.stringMatching(/was changed after it was stored.*again/),
      }),
    );
    expect((await lab.whyNotCached(data)).kind).toBe("found");
    await lab.uncache([lengthOf({ data })]);
    expect(await local.runTask(lengthOf({ data }))).toBe(5_000);
    // Found by id from anywhere, with the code that it was begun with.
    const [latest] = await local.runs({ limit: 1 });
    await local.close();
    expect(await (await bench.lab({ storage, tasks: undefined as never }).attach(latest.id)).results()).toEqual([
      5_000,
    ]);
  });

  test("has no large results of tasks that are not cached once their run has ended", async () => {
    await using bench = new LabBench();
    const { folder } = bench;
    const place = "shared/left";
    const lab = bench.lab({ tasks: leftTasks, storage: `s3://${bucket()}/${place}`, runner: "local" });
    const stored = async () => {
      // It lists them when all is deleted that is to be.
      const held = (await lab.objects()).filter(({ object }) => object.startsWith("results/"));
      const { objects } = openBucketStores({ kind: "s3", bucket: bucket(), prefix: `${place}/` });
      const keys: string[] = [];
      for await (const { key } of objects.list("results/")) keys.push(key);
      expect(keys.length).toBe(held.length);
      return keys.length;
    };
    const values = series({ folder, salt: 1 });
    const sums = [1, 2].map((salt) => sum({ values, salt, folder }));
    const [others, first, second] = await lab.runTasks([kept({ folder, salt: 8 }), sums[0], sums[1]]);
    expect([first, second, others.length]).toEqual([250_001, 250_002, 250_000]);
    expect(await stored()).toBe(1);
    expect((await lab.whyNotCached(values)).kind).toBe("not-kept");
    expect(await lab.runTask(sum({ values, salt: 3, folder }))).toBe(250_003);
    expect(await stored()).toBe(1);
    expect(bench.lines().sort()).toEqual(["series", "series", "sum", "sum", "sum"]);
  });
});
