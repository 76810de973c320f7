import { expect, test } from "vitest";
import { capacityGroups } from "../../sdk/core/route.ts";
import { Scheduler } from "../../sdk/core/scheduler.ts";
import type { RunState } from "../../sdk/driver/run-state.ts";
import { TypeStatistics } from "../../sdk/driver/type-statistics.ts";
import type { LabPlan } from "../../sdk/planning.ts";
import { temporaryStores } from "../stores/folders.ts";

const newScheduler = () =>
  new Scheduler({ seed: 1, groups: capacityGroups([]), concurrency: 1, batch: { targetMs: 1, maxTasks: 1 } });

test("what a lab has measured of a task type the next one knows: time, memory, and sizes that were too small", async () => {
  await using stores = await temporaryStores();
  const first = newScheduler();
  first.learnDuration("train", 200);
  first.sizing.learnPeak("train", 310);
  first.sizing.learnTooSmall("train", 1_000, 256);
  const measured = new TypeStatistics({ stores, namespace: "default", scheduler: first });
  measured.record({ ranTypes: new Set(["train"]) } as unknown as RunState);
  await measured.written();

  const second = newScheduler();
  const plan = { tasks: [{ name: "train" }, { name: "new" }], targets: [] } as unknown as LabPlan;
  await new TypeStatistics({ stores, namespace: "default", scheduler: second }).recall(plan);
  expect(second.estimateMs("train")).toBe(200);
  expect(second.sizing.peakMemoryMb("train")).toBe(310);
  expect(second.sizing.tooSmallFor("train", 1_000)).toBe(256);
  expect([second.estimateMs("new"), second.sizing.peakMemoryMb("new")]).toEqual([undefined, undefined]);
});
