import { expect, test } from "vitest";
import { overseer, scale, total, Unregistered, unregistered, Vector } from "./fixtures/class-tasks.ts";
import { LabBench } from "./lab-bench.ts";

const options = {
  tasks: new URL("fixtures/class-tasks.ts", import.meta.url),
  context: { unit: new Vector(Float64Array.of(1)) },
};

test.each(["inline", "local"] as const)("a class of one's own crosses to %s tasks and back", async (runner) => {
  await using bench = new LabBench();
  const lab = bench.lab({ ...options, runner });
  const vector = new Vector(Float64Array.of(1, 2, 3));
  const parts = [scale({ vector, factor: 2 }), scale({ vector: await lab.put(vector), factor: 3 })];
  const [sum, { scaled }] = await lab.runTasks([total({ parts }), parts[0]]);
  expect(sum).toBe(30);
  expect(scaled).toBeInstanceOf(Vector);
  expect(scaled.values).toEqual(Float64Array.of(2, 4, 6));
  expect(await lab.isCached(scale({ vector: new Vector(Float64Array.of(1, 2, 3)), factor: 2 }))).toBe(true);
  expect(await lab.isCached(scale({ vector: new Vector(Float64Array.of(1, 2, 4)), factor: 2 }))).toBe(false);
  const cached = await lab.cachedTasks({ type: scale });
  expect(cached.some(({ params }) => (params as { vector: unknown }).vector instanceof Vector)).toBe(true);
});

test.each(["inline", "local"] as const)("it crosses between tasks and those that they run on %s", async (runner) => {
  await using bench = new LabBench();
  const lab = bench.lab({ ...options, runner });
  const { isVector, sum, own } = await lab.runTask(overseer({ salt: 4 }));
  expect([isVector, sum]).toEqual([true, 10]);
  expect(own).toBeInstanceOf(Vector);
  expect(own.values).toEqual(Float64Array.of(8, 2));
});

test("a class without a codec is refused by name, in params and in results", async () => {
  await using bench = new LabBench();
  const lab = bench.lab(options);
  await expect(lab.runTask(scale({ vector: new Unregistered() as never, factor: 1 }))).rejects.toThrow(
    /params\.vector is an instance of the class Unregistered.*registerCodec/,
  );
  await expect(lab.runTask(unregistered({ salt: 1 }))).rejects.toThrow(
    /result is an instance of the class Unregistered/,
  );
});
