import { existsSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Lab, type LabOptions, type Task } from "stratolab";
import { describe, expect, test } from "vitest";
import { eventually } from "../support/scripts.ts";
import { blocker, blockerOnEcs, sleeper, sleeperOnEcs } from "./fixtures/stubborn-tasks.ts";

/** Time that a cancelled attempt is given to end by itself, and what it may take to see to it. */
const GRACE_MS = 2_000;
const MORE_MS = 5_000;
/** A machine that does much else takes longer; how long it took is said. */
const BUSY_MACHINE = 6;

/** Cancelling what does not listen, on any runner. */
export function cancelSuite(options: Partial<LabOptions>, places: { readonly ecs: boolean; readonly many: number }) {
  const kinds: [string, typeof sleeper, number][] = [
    ["sleep and ignore the signal", sleeper, places.many],
    ["block the event loop", blocker, 2],
    ...(places.ecs
      ? ([
          ["sleep and ignore the signal, on ECS", sleeperOnEcs, 3],
          ["block the event loop, on ECS", blockerOnEcs, 1],
        ] as [string, typeof sleeper, number][])
      : []),
  ];

  describe("a cancelled run", () => {
    test.each(kinds)("ends tasks that %s", (_, make, count) => cancelAll(options, Array(count).fill(make)));
  });

  test("a cancelled task takes none along that shares its dispatch", () => cancelOne(options));
}

/** One that does not listen shares its dispatch with others, which are known to be short. */
async function cancelOne(options: Partial<LabOptions>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "cancel-"));
  const tasks = new URL("./fixtures/stubborn-tasks.ts", import.meta.url);
  await using lab = new Lab({ progress: false, ...options, concurrency: 1, tasks });
  let salt = Date.now();
  const one = (ms: number) => sleeper({ pulse: join(folder, String(++salt)), ms, salt });
  const short = (count: number) => Array.from({ length: count }, () => one(1));
  await lab.runTasks(short(8));
  const stubborn = one(120_000);
  const pulse = join(folder, String(salt));
  const run = lab.start([stubborn, ...short(5)]);
  await eventually(() => existsSync(pulse), 60_000, "its start");
  await lab.cancel(stubborn, { force: true });
  const [first, ...others] = await run.settled();
  expect(first.kind).toBe("cancelled");
  expect(others.map(({ kind }) => kind)).toEqual(others.map(() => "ok"));
  rmSync(folder, { recursive: true });
}

/** Starts a task of each kind, cancels them when they run, and sees to it that they end; those that wait never begin. */
export async function cancelAll(options: Partial<LabOptions>, makes: readonly (typeof sleeper)[]): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "cancel-"));
  await using lab = new Lab({
    progress: false,
    concurrency: makes.length,
    ...options,
    tasks: new URL("./fixtures/stubborn-tasks.ts", import.meta.url),
  });
  const salt = Date.now();
  const pulses = makes.map((_, n) => join(folder, `${salt}-${n}`));
  const tasks: Task<number>[] = makes.map((make, n) => make({ pulse: pulses[n], ms: 120_000, salt: salt + n }));
  const never = join(folder, `${salt}-never`);
  const controller = new AbortController();
  // Where they go to several kinds of executors, one more may find room.
  const oneMore = new Set(makes).size === 1 ? [makes[0]({ pulse: never, ms: 1, salt })] : [];
  const run = lab.start([...tasks, ...oneMore], { signal: controller.signal });
  await eventually(() => pulses.every((pulse) => existsSync(pulse)), 100_000, "their start");
  controller.abort();
  const cancelledAt = Date.now();
  const outcomes = await run.settled();
  expect(outcomes.map(({ kind }) => kind)).toEqual(outcomes.map(() => "cancelled"));
  // Whatever the lab was told: their pulse stops.
  const sizes = () => pulses.map((pulse) => statSync(pulse).size).join();
  for (let before = sizes(), isOver = false; !isOver; before = sizes()) {
    await sleep(400);
    isOver = sizes() === before;
    expect(Date.now() - cancelledAt).toBeLessThan(BUSY_MACHINE * (GRACE_MS + MORE_MS));
  }
  const seconds = ((Date.now() - cancelledAt) / 1_000).toFixed(1);
  console.log(`${makes.length} were gone ${seconds} s after they were cancelled (${GRACE_MS / 1_000} s of grace)`);
  expect(existsSync(never)).toBe(false);
  rmSync(folder, { recursive: true });
}
