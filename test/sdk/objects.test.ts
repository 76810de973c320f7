import { createReadStream, writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { countLines, lines, sizeOf, split, sumOfPart } from "./fixtures/object-tasks.ts";
import { LabBench } from "./lab-bench.ts";

const tasks = new URL("fixtures/object-tasks.ts", import.meta.url);

test.each(["inline", "local"] as const)("%s tasks put and get objects, and pass handles on", async (runner) => {
  await using bench = new LabBench();
  const lab = bench.lab({ tasks, runner });
  const parted = split({ values: [1, 2, 3, 4, 5], parts: 2 });
  const [sums, { refs }] = await lab.runTasks([sumOfPart({ split: parted, index: 1 }), parted]);
  expect(sums).toEqual([9, 5]);
  expect(await lab.get(refs)).toEqual([
    [1, 2, 3],
    [4, 5],
  ]);
});

test("streams go from task to task, and between tasks and the lab", async () => {
  await using bench = new LabBench();
  const lab = bench.lab({ tasks, runner: "local" });
  const written = lines({ count: 100_000 });
  const [count, { file }] = await lab.runTasks([countLines({ written }), written]);
  expect(count).toBe(100_000);
  expect(
    Buffer.concat(await (await lab.getStream(file)).toArray())
      .toString()
      .split("\n")[99_999],
  ).toBe("line 99999");

  const path = `${bench.folder}/text`;
  writeFileSync(path, "one\ntwo\n");
  const own = await lab.put(createReadStream(path));
  expect(await lab.runTask(countLines({ written: { file: own } }))).toBe(2);
  expect(await lab.runTask(sizeOf({ data: own }))).toBe(8);
  // Equal bytes are equal params, whatever name they are stored under.
  const again = await lab.put(createReadStream(path));
  expect(again.slot.object).not.toBe(own.slot.object);
  expect(await lab.isCached(sizeOf({ data: again }))).toBe(true);
});
