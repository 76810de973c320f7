import { randomBytes } from "node:crypto";
import { afterEach, expect, test, vi } from "vitest";
import { collectGarbage } from "../../sdk/gc/collect.ts";
import { openAwsStores, openBucketStores } from "../../sdk/stores/aws/open.ts";
import { StackOutput } from "../../sdk/wire/stack-outputs.ts";
import { lengthOf, zeros } from "../sdk/fixtures/lab-tasks.ts";
import { LabBench } from "../sdk/lab-bench.ts";
import { encodedOf } from "../stores/object-store-suite.ts";
import { thisStack } from "../support/this-stack.ts";
import { DAY_MS } from "./age.ts";

afterEach(() => {
  vi.useRealTimers();
});

test("a clean-up of the stack removes what is old and named by nothing, and keeps the rest", async () => {
  const outputs = thisStack().outputs;
  const address = { kind: "aws", table: outputs[StackOutput.table], bucket: outputs[StackOutput.bucket] } as const;
  const { table, objects } = openAwsStores(address);
  const id = randomBytes(8).toString("hex");
  const keys = ["lost", "named"].map((name) => `content/${id}/${name}`);
  for (const key of keys) await objects.put(key, encodedOf(Buffer.from(key)));
  await table.put({ pk: `TEST#${id}`, sk: "named", f: 1, o: keys[1] });
  await table.put({ pk: `TEST#${id}`, sk: "over", f: 1, ttl: Math.floor(Date.now() / 1_000) + 60 });
  const exist = () => Promise.all(keys.map((key) => objects.has(key)));

  await collectGarbage({ table, objects }, { graceMs: DAY_MS, dryRun: false });
  expect(await exist()).toEqual([true, true]);
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 3 * DAY_MS });
  const told = await collectGarbage({ table, objects }, { graceMs: DAY_MS, dryRun: true });
  expect(await exist()).toEqual([true, true]);
  const report = await collectGarbage({ table, objects }, { graceMs: DAY_MS, dryRun: false });
  expect(report).toEqual({ ...told, dryRun: false });
  expect(await exist()).toEqual([false, true]);
  expect((await table.query(`TEST#${id}`)).map(({ sk }) => sk)).toEqual(["named"]);
  await table.close();
});

test("a clean-up of a bucket that is a lab's storage keeps what results name, and removes old ones where asked to", async () => {
  const [bucket, prefix] = [thisStack().outputs[StackOutput.bucket], `gc/${randomBytes(8).toString("hex")}/`];
  const { table, objects } = openBucketStores({ kind: "s3", bucket, prefix });
  await using bench = new LabBench();
  const storage = `s3://${bucket}/${prefix}`;
  const lab = bench.lab({ storage, runner: "local" });
  const handle = await lab.put("a".repeat(3_000));
  const [data, length] = [zeros({ length: 5_000 }), lengthOf({ data: handle as never })];
  expect(await lab.runTasks([lengthOf({ data }), length])).toEqual([5_000, 3_000]);
  await lab.close();
  await objects.put("content/ab/lost", encodedOf(Buffer.from("lost")));
  const cached = async () => {
    await using later = bench.lab({ storage, runner: "local" });
    return await Promise.all([data, lengthOf({ data }), length].map((task) => later.isCached(task)));
  };

  const now = Date.now();
  vi.useFakeTimers({ toFake: ["Date"], now: now + 3 * DAY_MS });
  const told = await collectGarbage({ table, objects }, { graceMs: DAY_MS, dryRun: true });
  const report = await collectGarbage({ table, objects }, { graceMs: DAY_MS, dryRun: false });
  expect(report).toEqual({ ...told, dryRun: false });
  expect(report.removed.content).toEqual({ count: 1, bytes: expect.any(Number) });
  expect([await objects.has("content/ab/lost"), await objects.has(handle.slot.object)]).toEqual([false, true]);
  vi.useRealTimers();
  expect(await cached()).toEqual([true, true, true]);

  vi.useFakeTimers({ toFake: ["Date"], now: now + 3 * DAY_MS });
  const oldResults = { olderThanMs: DAY_MS, namespace: "default" };
  const { removed } = await collectGarbage({ table, objects }, { graceMs: DAY_MS, dryRun: false, oldResults });
  expect(removed["old results"]).toMatchObject({ count: 3 });
  expect(await objects.has(handle.slot.object)).toBe(false);
  vi.useRealTimers();
  expect(await cached()).toEqual([false, false, false]);
  await table.close();
});
