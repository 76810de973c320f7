import { readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { cli } from "../cli/run-cli.ts";
import { add } from "./fixtures/lab-tasks.ts";
import { putter, readDirect } from "./fixtures/return-tasks.ts";
import { LabBench } from "./lab-bench.ts";

const tasks = new URL("fixtures/return-tasks.ts", import.meta.url);
const SIZE = 5_000;

const files = ({ folder }: LabBench) =>
  readdirSync(join(folder, "storage", "objects", "content"), { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  ).length;

test("what is put goes with its last handle, unless a task was given it or it is pinned", async () => {
  await using bench = new LabBench();
  const lab = bench.lab({ tasks });
  const value = new Float64Array(SIZE);
  const [one, again] = await Promise.all([lab.put(value), lab.put(value)]);
  await one.release();
  await one.release();
  expect((await lab.get(again)).length).toBe(SIZE);
  await again.release();
  expect(files(bench)).toBe(0);
  {
    await using inside = await lab.put("some text");
    expect(await lab.get(inside)).toBe("some text");
  }
  expect(files(bench)).toBe(0);

  const given = await lab.put(value);
  expect(await lab.runTask(readDirect({ table: given }))).toBe(SIZE);
  await given.release();
  const pinned = await lab.put(value.slice(1));
  await lab.pin(pinned);
  await pinned.release();
  await lab.put(value.slice(2));
  expect(files(bench)).toBe(3);
  await lab.close();
  expect(files(bench)).toBe(2);
});

test("what is put as a stream is held by its handle, too", async () => {
  await using bench = new LabBench();
  const lab = bench.lab({ tasks });
  const refs = [await lab.put(new Blob(["some bytes"]).stream()), await lab.put(new Blob(["others"]))];
  const holders = (await lab.objects()).map(({ holders }) => holders.map(({ kind }) => kind));
  expect(holders).toEqual([["handle"], ["handle"]]);
  for (const ref of refs) await ref.release();
  expect([files(bench), await lab.objects()]).toEqual([0, []]);
});

test("what is told of a run is held by it", async () => {
  await using bench = new LabBench();
  const lab = bench.lab();
  const run = lab.start(Array.from({ length: 1_000 }, (_, n) => add({ a: n, b: 1, file: bench.file })));
  await run.results();
  const holders = (await lab.objects()).map(({ holders }) => holders);
  // Its manifest, and pages of what has happened in it.
  expect(holders.length).toBeGreaterThan(1);
  for (const each of holders) expect(each).toEqual([{ kind: "run", name: run.id }]);
});

test("another lab that has put the same keeps it", async () => {
  await using bench = new LabBench();
  const [one, other] = [bench.lab({ tasks }), bench.lab({ tasks })];
  const ref = await one.put(new Float64Array(SIZE));
  const same = await other.put(new Float64Array(SIZE));
  expect(same.slot.object).toBe(ref.slot.object);
  await one.close();
  expect((await other.get(same)).length).toBe(SIZE);
});

test("stratolab objects tells who holds what, and how large it is", async () => {
  await using bench = new LabBench();
  const lab = bench.lab({ tasks, storage: join(bench.folder, ".stratolab") });
  const table = await lab.put(new Float64Array(SIZE));
  const idle = await lab.put(new Float64Array(SIZE / 2));
  await lab.pin(idle);
  await lab.runTask(readDirect({ table }));
  const { inside } = await lab.runTask(putter({ size: SIZE, file: bench.file }));
  const held = new Map((await lab.objects()).map((each) => [each.object, each]));
  const kindsOf = (object: string) => held.get(object)?.holders.map(({ kind, name }) => `${kind} ${name}`);
  expect(kindsOf(table.slot.object)).toEqual(
    expect.arrayContaining(["params readDirect", expect.stringContaining("handle")]),
  );
  expect(kindsOf(idle.slot.object)).toEqual(expect.arrayContaining(["pin pin"]));
  expect(kindsOf(inside.ref.slot.object)).toEqual(["result putter"]);
  expect(held.get(table.slot.object)?.bytes).toBeGreaterThan(SIZE * 8);

  const { stdout, exitCode } = await cli(bench.folder, ["objects"]);
  expect(exitCode).toBe(0);
  expect(stdout).toMatch(/^OBJECT +SIZE +AGE +HELD BY\n/);
  expect(stdout).toContain("result putter");
  expect(stdout).toMatch(/nobody holds 0 of them/);
  const json = JSON.parse((await cli(bench.folder, ["objects", "--json"])).stdout);
  expect(json).toHaveLength(held.size);
});
