import { expect, test } from "vitest";
import { Placements } from "../../sdk/driver/placements.ts";
import { describePlan, type PlanOptions } from "../../sdk/plan-report.ts";
import { planTasks } from "../../sdk/planning.ts";
import { commitResult } from "../../sdk/stores/results.ts";
import { writeStatistics } from "../../sdk/stores/statistics.ts";
import { task } from "../../sdk/task.ts";
import { encodeToBytes } from "../../sdk/wire/codec/codec.ts";
import { AWS_OFFER } from "../core/offers.ts";
import { temporaryStores } from "../stores/folders.ts";

const long = task({ name: "long", run: ({ of }: { of: number }) => of });
const context = { namespace: "default", versions: new Map([["long", "v"]]), taskModule: "tasks.ts" };

const batch = { targetMs: 1_000, maxTasks: 60 };

test("a plan goes by the deadline and the bustCache that its run would have, and gives the deadline as the reason", async () => {
  await using stores = await temporaryStores();
  await writeStatistics(stores.table, "default", { name: "long", meanMs: 60_000, deviationMs: 1, tooSmall: [] });
  const plan = planTasks([long({ of: long({ of: 1 }) })], context);
  const placements = new Placements(AWS_OFFER, () => 60_000);
  const groupsOf = async (options?: PlanOptions) => {
    const surroundings = { placements, stores, namespace: "default", code: new Map(), concurrency: 10, batch };
    const { groups, cached } = await describePlan(plan, surroundings, options);
    return { cached, groups: groups.map(({ count, lane, notCached, reason }) => ({ count, lane, notCached, reason })) };
  };
  expect((await groupsOf()).groups).toMatchObject([{ count: 2, lane: "fargate spot 1 vCPU 2048 MB" }]);
  expect((await groupsOf({ deadlineMs: 180_000 })).groups).toMatchObject([
    { count: 2, lane: "lambda 1769 MB", reason: expect.stringMatching(/within the 90 s that the deadline leaves/) },
  ]);

  const value = { inline: encodeToBytes(1) };
  const facts = { namespace: "default", name: "long", version: "v", generation: 0, runId: "r", attempt: 1 };
  const measured = { endedAt: Date.now(), durationMs: 1, peakMemoryMb: 1 };
  await commitResult(stores.table, { key: plan.tasks[0].key, value, params: value, ...facts, ...measured });
  expect(await groupsOf()).toMatchObject({ cached: 1, groups: [{ count: 1 }] });
  expect(await groupsOf({ bustCache: true })).toMatchObject({
    cached: 0,
    groups: [{ count: 2, notCached: [{ kind: "anew", why: "bustCache", count: 2 }] }],
  });
});

test("a plan counts with what tasks share: their dispatch, and an executor that works on several at once", async () => {
  await using stores = await temporaryStores();
  const wide = task({ name: "wide", run: ({ of }: { of: number }) => of, runnerOptions: { memoryMb: 7076 } });
  const lonely = task({
    name: "lonely",
    run: ({ of }: { of: number }) => of,
    runnerOptions: { memoryMb: 7076, maxRetries: 0 },
  });
  const measured = { meanMs: 400, deviationMs: 10, peakMemoryMb: 500, tooSmall: [] };
  await writeStatistics(stores.table, "default", { name: "wide", ...measured });
  await writeStatistics(stores.table, "default", { name: "lonely", ...measured });
  const versions = new Map([
    ["wide", "v"],
    ["lonely", "v"],
  ]);
  const placements = new Placements(AWS_OFFER, () => 400);
  const costOf = async (define: typeof wide) => {
    const tasks = Array.from({ length: 400 }, (_, of) => define({ of }));
    const plan = planTasks(tasks, { ...context, versions });
    const surroundings = { placements, stores, namespace: "default", code: new Map(), concurrency: 10, batch };
    const { groups, seconds, costUsd } = await describePlan(plan, surroundings);
    expect(groups).toMatchObject([{ count: 400, lane: "lambda 10240 MB" }]);
    return { seconds: seconds?.expected ?? 0, usd: costUsd?.expected ?? 0 };
  };
  const [together, apart] = [await costOf(wide), await costOf(lonely)];
  // 5.8 vCPUs, and a task a vCPU: memory would do for sixteen.
  expect(apart.seconds / together.seconds).toBeCloseTo(5, 1);
  expect(together.usd).toBeLessThan(0.3 * apart.usd);
});
