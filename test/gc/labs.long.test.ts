import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Lab, task } from "stratolab";
import { describe, expect, test } from "vitest";
import { collectGarbage, MIN_GRACE_MS } from "../../sdk/gc/collect.ts";
import type { GcReport } from "../../sdk/gc/report.ts";
import { openLocalStores } from "../../sdk/stores/local/open.ts";
import { Project } from "../support/project.ts";
import { ageBelow, DAY_MS } from "./age.ts";

const TASKS = `
  import { task } from "stratolab";
  export const produce = task({ name: "produce", run: ({ seed, data }) => new Float64Array(4000).fill(seed + data[0]) });
  export const total = task({ name: "total", run: ({ parts }) => parts.reduce((sum, part) => sum + part[1], 0) });
`;
type Produce = { seed: number; data: Float64Array };
const produce = task({ name: "produce", run: (_: Produce) => new Float64Array(1) });
const total = task({ name: "total", run: (_: { parts: readonly Float64Array[] }) => 0 });

const SEEDS = [1, 2, 3, 4, 5, 6, 7, 8];

class LabProject extends Project {
  readonly storage = this.path(".stratolab");

  constructor() {
    super({ "tasks.ts": TASKS });
  }

  lab(): Lab {
    return new Lab({
      tasks: this.path("tasks.ts"),
      runner: "local",
      storage: this.storage,
      concurrency: 2,
      progress: false,
    });
  }

  async gc(options: { olderThanMs?: number } = {}): Promise<GcReport> {
    const stores = await openLocalStores(this.storage);
    try {
      const { olderThanMs } = options;
      return await collectGarbage(stores, {
        graceMs: MIN_GRACE_MS,
        dryRun: false,
        directory: this.storage,
        oldResults: olderThanMs === undefined ? undefined : { olderThanMs, namespace: "default" },
      });
    } finally {
      await stores.table.close();
    }
  }
}

const sum = (value: number) => SEEDS.reduce((all, seed) => all + seed + value, 0);

describe("a clean-up beside a lab on local processes", () => {
  test("breaks nothing that runs, though everything it uses again is old", async () => {
    using project = new LabProject();
    const put = async (lab: Lab, value: number) => lab.put(new Float64Array(5_000).fill(value));
    {
      await using lab = project.lab();
      for (const value of [10, 20, 30]) {
        const data = await put(lab, value);
        expect(await lab.runTask(total({ parts: SEEDS.map((seed) => produce({ seed, data })) }))).toBe(sum(value));
      }
    }
    await ageBelow(project.storage, 30 * DAY_MS);

    await using lab = project.lab();
    let isOver = false;
    const reports: GcReport[] = [];
    const cleaning = (async () => {
      while (!isOver) {
        reports.push(await project.gc({ olderThanMs: 1 }));
        await sleep(5);
      }
    })();
    try {
      for (let round = 0; round < 3; round++) {
        for (const value of [10, 20, 30]) {
          const data = await put(lab, value);
          const parts = SEEDS.map((seed) => produce({ seed, data }));
          expect(await lab.runTask(total({ parts }), { bustCache: true })).toBe(sum(value));
          // Forgotten, and made again from objects that may be in the way.
          await lab.uncache([parts[0], total({ parts })]);
          expect(await lab.runTask(total({ parts }))).toBe(sum(value));
        }
      }
    } finally {
      isOver = true;
      await cleaning;
    }
    expect(reports.length).toBeGreaterThan(3);
    // The first may have come before the lab said that it is there.
    const first = reports.findIndex(({ labs }) => labs.length > 0);
    for (const { labs } of reports.slice(first)) expect(labs.length).toBe(1);
    const data = await put(lab, 10);
    const others = SEEDS.slice(1).map((seed) => produce({ seed, data }));
    for (const each of others) expect(await lab.isCached(each)).toBe(true);
    for (const [index, value] of (await lab.runTasks(others)).entries()) expect(value[0]).toBe(12 + index);
  }, 120_000);

  test("keeps what a lab holds handles on, though the result that named it is forgotten", async () => {
    using project = new LabProject();
    {
      await using lab = project.lab();
      await lab.runTask(produce({ seed: 1, data: await lab.put(new Float64Array(5_000).fill(7)) }));
    }
    await ageBelow(project.storage, 30 * DAY_MS);
    await using lab = project.lab();
    const [again] = await lab.cachedTasks({ type: produce });
    await lab.uncache([again]);
    await project.gc();
    expect((await lab.runTask(again))[0]).toBe(8);
  }, 60_000);

  test("removes old results with all that was theirs once the lab has ended", async () => {
    using project = new LabProject();
    {
      await using lab = project.lab();
      await lab.runTask(produce({ seed: 1, data: await lab.put(new Float64Array(5_000)) }));
    }
    writeFileSync(join(project.storage, "objects", ".unfinished", "half"), "x");
    await ageBelow(project.storage, 30 * DAY_MS);
    await sleep(5);
    const { removed, labs } = await project.gc({ olderThanMs: 1 });
    expect(labs).toEqual([]);
    expect(Object.keys(removed).sort()).toEqual([
      "content",
      "local bundles",
      "old results",
      "results",
      "unfinished files",
    ]);
    expect(readdirSync(join(project.storage, "bundles"))).toEqual([]);
    await using lab = project.lab();
    expect(await lab.cachedTasks()).toEqual([]);
    expect((await lab.runTask(produce({ seed: 1, data: new Float64Array([1]) })))[0]).toBe(2);
  }, 60_000);
});
