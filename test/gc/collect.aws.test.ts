import { randomBytes } from "node:crypto";
import { afterEach, expect, test, vi } from "vitest";
import { collectGarbage } from "../../sdk/gc/collect.ts";
import { openAwsStores } from "../../sdk/stores/aws/open.ts";
import { StackOutput } from "../../sdk/wire/stack-outputs.ts";
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
