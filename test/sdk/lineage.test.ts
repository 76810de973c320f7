import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { type Lab, ObjectLostError, type RunError } from "stratolab";
import { describe, expect, test } from "vitest";
import { eventually } from "../support/scripts.ts";
import { countInner, countLines, countWrapped, lines, sizeOf, wrapped } from "./fixtures/object-tasks.ts";
import { givingLost, loser, passOn, putter, readDeep, readDirect, slowPutter } from "./fixtures/return-tasks.ts";
import { LabBench } from "./lab-bench.ts";

const tasks = new URL("fixtures/return-tasks.ts", import.meta.url);
const objectTasks = new URL("fixtures/object-tasks.ts", import.meta.url);
const SIZE = 5_000;

/** Loses what was put, and nothing else. */
function lose(bench: LabBench, object: string): void {
  const folder = join(bench.folder, "storage", "objects");
  rmSync(join(folder, object));
  expect(readdirSync(folder)).toContain("content");
}

/** How many attempts of a task were begun. */
const attemptsOf = ({ events }: LabBench, name: string): number =>
  events.reduce((sum, event) => sum + (event.type === "task-started" && event.name === name ? event.count : 0), 0);

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
    const lab = bench.lab({ tasks: objectTasks, runner });
    const { file } = await lab.runTask(lines({ count: 3 }));
    lose(bench, file.slot.object);
    expect(Buffer.from(await lab.get(file)).toString()).toBe("line 0\nline 1\nline 2\n");
    const { file: now } = await lab.runTask(lines({ count: 3 }));
    lose(bench, now.slot.object);
    let bytes = 0;
    for await (const piece of await lab.getStream(now)) bytes += (piece as Uint8Array).length;
    expect(bytes).toBe(21);
  });

  test("is made again for a task of another run that is given it directly, once", async () => {
    await using bench = new LabBench();
    const lab = bench.lab({ tasks, runner });
    const { inside } = await lab.runTask(putter({ size: SIZE, file: bench.file }));
    lose(bench, inside.ref.slot.object);
    expect(await lab.runTask(readDirect({ table: inside.ref }))).toBe(SIZE);
    expect(bench.lines()).toEqual(["putter", "putter"]);
    expect(attemptsOf(bench, "readDirect")).toBe(2);
  });

  test("is made again as a stream that a task is given, under its new name", async () => {
    await using bench = new LabBench();
    const lab = bench.lab({ tasks: objectTasks, runner });
    const { file } = await lab.runTask(lines({ count: 3 }));
    lose(bench, file.slot.object);
    expect(await lab.runTask(sizeOf({ data: file }))).toBe(21);
    expect(attemptsOf(bench, "sizeOf")).toBe(2);
    // Its result names the new one, under which it is lost again; deeper in params, read whole or as it comes.
    const { file: now } = await lab.runTask(lines({ count: 3 }));
    lose(bench, now.slot.object);
    expect(await lab.runTask(countLines({ written: { file } }))).toBe(3);
    expect(attemptsOf(bench, "countLines")).toBe(2);
  });

  describe("and lies in other objects", () => {
    /** What lies in what, from the outside in. */
    const partsOf = async (lab: Lab, changes = false) => {
      const { outermost } = await lab.runTask(wrapped({ count: 3, changes }));
      const { outer } = await lab.get(outermost);
      return { outermost, outer, file: (await lab.get(outer)).file };
    };

    test.each([
      ["the stream", ["file"]],
      ["the object that names it", ["outer"]],
      ["the object that names that one", ["outermost"]],
      ["all of them", ["outermost", "outer", "file"]],
    ] as const)("is found under its new name, if what is lost is %s", async (_, lost) => {
      await using bench = new LabBench();
      const parts = await partsOf(bench.lab({ tasks: objectTasks, runner }));
      for (const name of lost) lose(bench, parts[name].slot.object);
      // Of a lab that has not run its task.
      const lab = bench.lab({ tasks: objectTasks, runner });
      const { outermost, file } = parts;
      const given = [
        countWrapped({ made: { outermost } }),
        countInner({ outermost } as never),
        countLines({ written: { file } }),
      ];
      const isInner = (lost as readonly string[]).includes("file");
      expect(await lab.runTasks(given)).toEqual([21, [3, 21], 3]);
      expect(attemptsOf(bench, "wrapped")).toBe(2);
      expect(attemptsOf(bench, "countLines")).toBe(isInner ? 2 : 1);
    });

    test("is found so by the lab that asks for it", async () => {
      await using bench = new LabBench();
      const lab = bench.lab({ tasks: objectTasks, runner });
      const { file } = await partsOf(lab);
      lose(bench, file.slot.object);
      expect(await lab.get(file)).toHaveLength(21);
      const { outer } = await partsOf(lab);
      lose(bench, outer.slot.object);
      expect((await lab.get(outer)).count).toBe(3);
    });

    test("fails those that need it, once its task has put something else in its place", async () => {
      await using bench = new LabBench();
      const lab = bench.lab({ tasks: objectTasks, runner });
      const { file } = await partsOf(lab, true);
      lose(bench, file.slot.object);
      const failed: RunError = await lab.runTask(countLines({ written: { file } })).catch((error) => error);
      expect(failed.kind).toBe("object-lost");
      expect(failed.failures[0].attempts.map(({ seen }) => seen)).toEqual([
        expect.stringContaining("is not in the object store"),
        expect.stringContaining(`${file.slot.object} is lost, and its task has put nothing equal when it ran again`),
      ]);
      expect(attemptsOf(bench, "wrapped")).toBe(2);
    });

    test("has the same key for tasks that are given it under either name", async () => {
      await using bench = new LabBench();
      const lab = bench.lab({ tasks: objectTasks, runner });
      const { outermost } = await partsOf(lab);
      await lab.runTask(countInner({ outermost } as never));
      // To the cache, a task with other params.
      const { outermost: again } = await lab.runTask(wrapped({ count: 3 }));
      expect(again.slot.object).not.toBe(outermost.slot.object);
      expect(await lab.isCached(countInner({ outermost: again } as never))).toBe(true);
    });
  });

  test("is made again by a task that no run here knows: found in the cache, once for all that miss it", async () => {
    await using bench = new LabBench();
    const { file } = await bench.lab({ tasks: objectTasks, runner }).runTask(lines({ count: 3 }));
    const lab = bench.lab({ tasks: objectTasks, runner });
    await lab.runTask(lines({ count: 3 }));
    lose(bench, file.slot.object);
    bench.events.length = 0;
    const [bytes, count] = await lab.runTasks([sizeOf({ data: file }), countLines({ written: { file } })]);
    expect([bytes, count]).toEqual([21, 3]);
    expect([attemptsOf(bench, "lines"), attemptsOf(bench, "sizeOf"), attemptsOf(bench, "countLines")]).toEqual([
      1, 2, 2,
    ]);
    // What is stored now is what counts.
    const { file: now } = await lab.runTask(lines({ count: 3 }));
    expect(now.slot.object).not.toBe(file.slot.object);
    expect(attemptsOf(bench, "lines")).toBe(1);
    expect(await bench.lab({ tasks: objectTasks, runner }).get(now)).toHaveLength(21);
  });

  test("is made again no longer when nobody waits for it any more", async () => {
    await using bench = new LabBench();
    const { ref } = await bench.lab({ tasks, runner }).runTask(slowPutter({ size: SIZE, file: bench.file }));
    lose(bench, ref.slot.object);
    const lab = bench.lab({ tasks, runner });
    const run = lab.start([readDirect({ table: ref as never })]);
    await eventually(() => bench.lines().length === 2, 20_000, "the task to run again");
    await run.cancel();
    expect((await run.settled()).map(({ kind }) => kind)).toEqual(["cancelled"]);
    const count = (type: string) => bench.events.filter((event) => event.type === type).length;
    await eventually(() => count("run-ended") === 3, 20_000, "the end of its run");
    expect(count("run-started")).toBe(3);
  });

  test("is made again for another run, once the one that was to make it again was cancelled", async () => {
    await using bench = new LabBench();
    const lab = bench.lab({ tasks, runner });
    const made = passOn({ made: slowPutter({ size: SIZE, file: bench.file }) });
    const { inside } = await lab.runTask(made);
    lose(bench, inside.ref.slot.object);
    const run = lab.start([readDeep({ made })]);
    await eventually(() => bench.lines().length === 2, 20_000, "the task to run again");
    await run.cancel();
    const told = async () => (await run.settled()).map(({ kind }) => kind);
    expect(await told()).toEqual(["cancelled"]);
    expect(await lab.runTask(readDeep({ made }))).toBe(6 * SIZE);
    expect(await lab.runTask(readDirect({ table: inside.ref }))).toBe(SIZE);
    expect(bench.lines().length).toBe(3);
    expect(await told()).toEqual(["cancelled"]);
    // No run of its own began for it.
    expect(bench.events.filter(({ type }) => type === "run-started").length).toBe(4);
  });

  test("by the attempt that has put it is put again by the next one", async () => {
    await using bench = new LabBench();
    const lab = bench.lab({ tasks, runner });
    const objects = join(bench.folder, "storage", "objects");
    expect(await lab.runTask(loser({ size: SIZE, objects }))).toBe(SIZE);
    expect(attemptsOf(bench, "loser")).toBe(2);
  });

  test("and was given to a task by one that waits for it fails that task", async () => {
    await using bench = new LabBench();
    const lab = bench.lab({ tasks, runner });
    const objects = join(bench.folder, "storage", "objects");
    expect(await lab.runTask(givingLost({ size: SIZE, objects }))).toBe("object-lost");
    expect([attemptsOf(bench, "givingLost"), attemptsOf(bench, "readDirect")]).toEqual([1, 1]);
  });

  test("fails those that are given it where nothing is known of the task that put it, at once", async () => {
    await using bench = new LabBench();
    const lab = bench.lab({ tasks: objectTasks, runner });
    const made = lines({ count: 3 });
    const { file } = await lab.runTask(made);
    await lab.uncache([made]);
    lose(bench, file.slot.object);
    const failed: RunError = await lab.runTask(sizeOf({ data: file })).catch((error) => error);
    expect(failed.kind).toBe("object-lost");
    expect(failed.failures[0].attempts).toHaveLength(1);
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

test("what a driver without the task module cannot have put again fails those that are given it at once, and says why", async () => {
  await using bench = new LabBench();
  const { file } = await bench.lab({ tasks: objectTasks, runner: "local" }).runTask(lines({ count: 3 }));
  lose(bench, file.slot.object);
  // It is driven by a process of its own.
  const run = await bench.lab({ tasks: objectTasks, runner: "local" }).submit([sizeOf({ data: file })]);
  const failed: RunError = await run.results().then(
    () => Promise.reject(new Error("it should have failed")),
    (error) => error,
  );
  expect(failed.kind).toBe("object-lost");
  expect(failed.failures[0].attempts).toHaveLength(1);
  expect(failed.message).toMatch(
    /is not in the object store; lines\(\{ count: 3 \}\) has put it, and can be made again only by a lab that has its task module/,
  );
  // Such a lab can.
  expect(await bench.lab({ tasks: objectTasks, runner: "local" }).runTask(sizeOf({ data: file }))).toBe(21);
});

test("a lab of another task module makes nothing again, and forgets nothing of it", async () => {
  await using bench = new LabBench();
  const made = lines({ count: 3 });
  const { file } = await bench.lab({ tasks: objectTasks, runner: "local" }).runTask(made);
  lose(bench, file.slot.object);
  await expect(bench.lab({ tasks, runner: "local" }).get(file)).rejects.toThrow(ObjectLostError);
  expect(await bench.lab({ tasks: objectTasks, runner: "local" }).isCached(made)).toBe(true);
});
