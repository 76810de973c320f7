import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { ObjectLostError, type RunError } from "stratolab";
import { describe, expect, test } from "vitest";
import { lines } from "./fixtures/object-tasks.ts";
import { passOn, putter, readDeep, readDirect } from "./fixtures/return-tasks.ts";
import { LabBench } from "./lab-bench.ts";

const tasks = new URL("fixtures/return-tasks.ts", import.meta.url);
const SIZE = 5_000;

/** Loses what was put, and nothing else. */
function lose(bench: LabBench, object: string): void {
  const folder = join(bench.folder, "storage", "objects");
  rmSync(join(folder, object));
  expect(readdirSync(folder)).toContain("content");
}

describe.each(["inline", "local"] as const)("an object that is lost on %s", (runner) => {
  test("is made again by the task that put it, and those that handed it on", async () => {
    await using bench = new LabBench();
    const lab = bench.lab({ tasks, runner });
    const made = passOn({ made: putter({ size: SIZE, file: bench.file }) });
    const { inside } = await lab.runTask(made);
    lose(bench, inside.ref.slot.object);
    const other = bench.lab({ tasks, runner });
    expect(await other.runTask(readDeep({ made }))).toBe(3 * SIZE);
    expect(bench.lines()).toEqual(["putter", "putter"]);
    // Its result is another one's input as before.
    expect(await other.isCached(made)).toBe(true);
  });

  test("is made again for the lab that asks for it", async () => {
    await using bench = new LabBench();
    const lab = bench.lab({ tasks, runner });
    const { inside } = await lab.runTask(putter({ size: SIZE, file: bench.file }));
    lose(bench, inside.ref.slot.object);
    expect((await lab.get(inside.ref)).length).toBe(SIZE);
    expect(bench.lines()).toEqual(["putter", "putter"]);
  });

  test("is made again for the lab that asks for a stream, under its new name", async () => {
    await using bench = new LabBench();
    const fixture = new URL("fixtures/object-tasks.ts", import.meta.url);
    const lab = bench.lab({ tasks: fixture, runner });
    const { file } = await lab.runTask(lines({ count: 3 }));
    lose(bench, file.slot.object);
    expect(Buffer.from(await lab.get(file)).toString()).toBe("line 0\nline 1\nline 2\n");
    const { file: now } = await lab.runTask(lines({ count: 3 }));
    lose(bench, now.slot.object);
    let bytes = 0;
    for await (const piece of await lab.getStream(now)) bytes += (piece as Uint8Array).length;
    expect(bytes).toBe(21);
  });

  test("cannot be made again where lab.put stored it, and the error says so", async () => {
    await using bench = new LabBench();
    const lab = bench.lab({ tasks, runner });
    const table = await lab.put(new Float64Array(SIZE));
    lose(bench, table.slot.object);
    const lost = await lab.get(table).catch((error) => error);
    expect(lost).toBeInstanceOf(ObjectLostError);
    expect(lost.message).toMatch(/is not in the object store\. lab\.put stored it.*put the value again/);
    const failed: RunError = await lab.runTask(readDirect({ table })).catch((error) => error);
    expect(failed.kind).toBe("object-lost");
    expect(failed.failures[0].attempts.map(({ seen }) => seen)).toEqual([
      expect.stringContaining("put the value again"),
    ]);
  });
});
