import { describe, expect, test } from "vitest";
import { DEFAULT_DEMAND, DEFAULT_RETRY_POLICY } from "../../sdk/core/demand.ts";
import type { Offer } from "../../sdk/core/offer.ts";
import { capacityGroups, type Placement, route } from "../../sdk/core/route.ts";
import { Scheduler } from "../../sdk/core/scheduler.ts";

const OFFER: Offer = [
  {
    service: "local",
    name: "local",
    slots: 2,
    cpus: 2,
    memoryMb: 4_096,
    gpus: 0,
    resources: {},
    pooled: true,
  },
];

function stage() {
  const scheduler = new Scheduler({
    seed: 1,
    groups: capacityGroups(OFFER),
    concurrency: 2,
    batch: { targetMs: 5, maxTasks: 10 },
  });
  const run = scheduler.addRun({ failFast: false });
  const shapeIn = (runtimeEnv?: string) =>
    scheduler.addShape({
      type: `in ${runtimeEnv}`,
      placement: route({ ...DEFAULT_DEMAND, ...(runtimeEnv ? { runtimeEnv } : {}) }, OFFER) as Placement,
      policy: DEFAULT_RETRY_POLICY,
    });
  const [shape, plainShape] = [shapeIn("e1"), shapeIn()];
  const add = (count: number, which = shape) => Array.from({ length: count }, () => scheduler.addTask(run, which));
  return { scheduler, run, add, plainShape, laneOf: (task: number) => scheduler.laneOf(task) };
}

describe("tasks of a runtime environment", () => {
  test("have executors of their own", () => {
    const { scheduler, run, add, plainShape, laneOf } = stage();
    const [inside] = add(1);
    const [outside] = add(1, plainShape);
    const started = scheduler.open(run, [inside, outside], 0).filter(({ type }) => type === "start-executors");
    expect(started).toMatchObject([
      { lane: { name: "local", pool: "local in e1", runtimeEnv: "e1" } },
      { lane: { name: "local", pool: "local" } },
    ]);
    const ready = scheduler.step([{ type: "executor-ready", executor: "x", lane: laneOf(inside) }], 1);
    expect(ready).toMatchObject([{ type: "dispatch", executor: "x", tasks: [inside] }]);
  });

  test("that never was set up fail together when one has failed for good, and nothing else does", () => {
    const { scheduler, run, add, plainShape, laneOf } = stage();
    const tasks = add(5);
    const [outside] = add(1, plainShape);
    scheduler.open(run, [...tasks, outside], 0);
    const settled: unknown[] = [];
    let now = 0;
    for (let executor = 0; executor < 3; executor += 1) {
      now += 5_000;
      const commands = scheduler.step(
        [{ type: "executor-ready", executor: `x${executor}`, lane: laneOf(tasks[0]) }],
        now,
      );
      for (const command of commands) {
        if (command.type !== "dispatch" || command.lane.runtimeEnv === undefined) continue;
        const failed = {
          type: "assignment-failed",
          assignment: command.assignment,
          end: { kind: "setup-failed" },
        } as const;
        const gone = { type: "executor-gone", executor: `x${executor}` } as const;
        settled.push(...scheduler.step([failed, gone], now).filter(({ type }) => type === "settled"));
      }
      if (settled.length > 0) break;
    }
    expect(settled.map((each) => (each as { kind: string }).kind)).toEqual(tasks.map(() => "setup-failed"));
    expect(settled.map((each) => (each as { task: number }).task).sort()).toEqual(tasks);
    const [other] = scheduler.step([{ type: "executor-ready", executor: "plain", lane: laneOf(outside) }], now + 1);
    expect(other).toMatchObject({ type: "dispatch", tasks: [outside] });
  });
});
