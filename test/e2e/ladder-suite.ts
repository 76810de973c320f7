import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Lab, type LabOptions, RunError } from "stratolab";
import { afterAll, describe, expect, test } from "vitest";
import { eventually, isAlive } from "../support/scripts.ts";
import {
  count,
  dying,
  growing,
  heapHungry,
  hungry,
  large,
  lastOf,
  parent,
  stepwise,
  stumbling,
} from "./fixtures/ladder-tasks.ts";

const tasks = new URL("./fixtures/ladder-tasks.ts", import.meta.url);

interface LadderOptions {
  /** A lab on the runner to test; called for each that is needed. */
  readonly lab: (options?: Partial<LabOptions>) => LabOptions;
  /** V8 has a bound of its own in the executors, for when nobody watches memory. */
  readonly boundsHeap: boolean;
  /** Executors stay warm for the next lab, with what they have loaded. */
  readonly executorsOutliveLabs: boolean;
  /** Deletes every stored object that holds a result. */
  loseResults(): Promise<void>;
}

/** The failure ladder as a user meets it, on any runner that has executors of its own. */
export function ladderSuite({ lab: optionsOf, boundsHeap, executorsOutliveLabs, loseResults }: LadderOptions): void {
  const folder = mkdtempSync(join(tmpdir(), "ladder-"));
  const open = (options: Partial<LabOptions> = {}) =>
    new Lab({ progress: false, ...optionsOf(options), ...options, tasks });
  const lab = open();
  let salt = Date.now();
  const fresh = () => ({ salt: ++salt });
  afterAll(() => lab.close());

  /** What was seen of each attempt of the only task that failed. */
  async function failureOf(run: Promise<unknown>): Promise<RunError["failures"][number]> {
    const error = await run.then(
      () => undefined,
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(RunError);
    return (error as RunError).failures[0];
  }

  describe("out of memory", () => {
    test("finishes at a larger size, says so in its evidence, and its siblings start where it is known to fit", async () => {
      const first = lab.start([hungry({ holdMb: 700, ...fresh() })]);
      const [outcome] = await first.settled();
      expect(outcome).toMatchObject({ kind: "ok" });
      expect(outcome.kind === "ok" && outcome.value.bytes).toBe(700 * 2 ** 20);
      const { attempts } = outcome;
      expect(attempts.slice(0, -1).map(({ kind }) => kind)).toEqual(attempts.slice(0, -1).map(() => "out-of-memory"));
      const sizes = attempts.map(({ memoryMb }) => memoryMb ?? 0);
      expect(sizes[0]).toBeLessThan(700);
      expect(sizes.at(-1)).toBeGreaterThan(700);
      expect(sizes).toEqual([...new Set(sizes)].sort((a, b) => a - b));

      // Whatever they turn out to need, all of a type and input size start where it is known to fit.
      const holding = [690, ...Array.from({ length: 99 }, () => 20)];
      const siblings = await lab.start(holding.map((holdMb) => hungry({ holdMb, ...fresh() }))).settled();
      for (const { attempts: own } of siblings) {
        expect(own.map(({ kind }) => kind)).toEqual(["ok"]);
        expect(own[0].memoryMb).toBeGreaterThan(700);
      }

      await using next = open();
      const [later] = await next.start([hungry({ holdMb: 680, ...fresh() })]).settled();
      expect(later.attempts.map(({ kind }) => kind)).toEqual(["ok"]);
    });

    test("leaves time to save a state, from which the next size goes on", async () => {
      const [outcome] = await lab.start([growing({ upToMb: 600, ...fresh() })]).settled();
      expect(outcome.attempts.map(({ kind }) => kind)).toContain("out-of-memory");
      expect(outcome.kind === "ok" && outcome.value.begunAt).toBeGreaterThan(150);
    });

    test("is seen on V8's heap as well, also where nobody watches memory but V8", async () => {
      await using unwatched = open(boundsHeap ? { memoryMonitor: false } : {});
      const [outcome] = await unwatched.start([heapHungry({ holdMb: 600, ...fresh() })]).settled();
      expect(outcome.kind).toBe("ok");
      const kinds = outcome.attempts.map(({ kind }) => kind);
      expect(kinds.slice(0, -1)).toEqual(kinds.slice(0, -1).map(() => "out-of-memory"));
      expect(kinds.length).toBeGreaterThan(1);
    });
  });

  test("a stored result that is gone is made again, though the cache has it", async () => {
    // Where executors outlive labs, one may still have it in its memory: then nothing is missing.
    const log = join(folder, `large-${fresh().salt}`);
    const values = large({ log, ...fresh() });
    expect(await lab.runTask(lastOf({ values, ...fresh() }))).toBe(99_999);
    await loseResults();
    expect(await lab.isCached(values)).toBe(true);
    await using later = open();
    expect(await later.runTask(lastOf({ values, ...fresh() }))).toBe(99_999);
    const made = readFileSync(log, "utf8").trim().split("\n").length;
    expect(made).toBeGreaterThanOrEqual(executorsOutliveLabs ? 1 : 2);
    expect(made).toBeLessThanOrEqual(2);
  });

  test("ten steps, interrupted five times, run once each but for those interrupted", async () => {
    const log = join(folder, `steps-${fresh().salt}`);
    const interruptAt = { 1: "kill", 3: "kill", 4: "kill", 7: "kill", 9: "kill" } as const;
    const [outcome] = await lab.start([stepwise({ log, interruptAt, ...fresh() })]).settled();
    expect(outcome.kind === "ok" && outcome.value).toEqual({ done: 10, sum: 45 });
    const lines = readFileSync(log, "utf8").trim().split("\n");
    const begun = (step: number) => lines.filter((line) => line.startsWith(`begin ${step} `)).length;
    expect(Array.from({ length: 10 }, (_, step) => begun(step))).toEqual([1, 2, 1, 2, 2, 1, 1, 2, 1, 2]);
    expect(lines.filter((line) => line.startsWith("end")).length).toBe(10);
    expect(new Set(lines.filter((line) => line.startsWith("begin")).map((line) => line.split(" pid ")[1])).size).toBe(
      6,
    );
    expect(outcome.attempts.map(({ kind }) => kind)).toEqual([...Array(5).fill("executor-lost"), "ok"]);
  });

  describe("retries", () => {
    test.each<[string, { times: number; maxRetries: number; retryOn: boolean | string[] }, string[]]>([
      ["none of errors unless asked", { times: 1, maxRetries: 3, retryOn: false }, ["user-error"]],
      [
        "of any error, as often as maxRetries",
        { times: 2, maxRetries: 2, retryOn: true },
        ["user-error", "user-error", "ok"],
      ],
      ["of errors by name", { times: 1, maxRetries: 1, retryOn: ["NetworkError"] }, ["user-error", "ok"]],
      ["not of errors of other names", { times: 1, maxRetries: 1, retryOn: ["DiskError"] }, ["user-error"]],
      ["none with maxRetries 0", { times: 1, maxRetries: 0, retryOn: true }, ["user-error"]],
      ["that are used up", { times: 5, maxRetries: 1, retryOn: true }, ["user-error", "user-error"]],
    ])("%s", async (_, options, kinds) => {
      const [outcome] = await lab.start([stumbling({ ...options, ...fresh() })]).settled();
      expect(outcome.attempts.map(({ kind }) => kind)).toEqual(kinds);
    });

    test("of a dead executor: none with maxRetries 0", async () => {
      const [outcome] = await lab.start([dying({ times: 1, maxRetries: 0, ...fresh() })]).settled();
      expect(outcome.attempts.map(({ kind }) => kind)).toEqual(["executor-lost"]);
      expect(outcome.attempts[0]).toMatchObject({
        decided: expect.any(String),
        seen: expect.stringMatching(/SIGKILL/),
      });
    });

    test("a dependency that fails for good takes its dependents along, and nothing else", async () => {
      const bad = stumbling({ times: 9, maxRetries: 0, retryOn: false, ...fresh() });
      const good = stumbling({ times: 0, maxRetries: 0, retryOn: false, ...fresh() });
      const outcomes = await lab
        .start([count({ inputs: [bad, good], ...fresh() }), count({ inputs: [good], ...fresh() })])
        .settled();
      expect(outcomes.map(({ kind }) => kind)).toEqual(["cancelled", "ok"]);
      const failure = await failureOf(lab.runTask(count({ inputs: [bad], ...fresh() })));
      expect(String(failure.task)).toContain("ladder.");
    });

    test("in the middle of a backoff are given up at once when the run is cancelled", async () => {
      const controller = new AbortController();
      const tired = open({
        progress: (event) => {
          if (event.type === "task-retried") controller.abort();
        },
      });
      await using _ = tired;
      const run = tired.start([dying({ times: 50, maxRetries: 50, ...fresh() })], { signal: controller.signal });
      const [outcome] = await run.settled();
      expect(outcome.kind).toBe("cancelled");
      expect(outcome.attempts.length).toBeLessThan(4);
    });
  });

  describe("processes that a task started", () => {
    test.each(["return", "throw", "kill"] as const)("are gone when its attempt ends: %s", async (end) => {
      const pids = join(folder, `pids-${end}`);
      await lab.start([parent({ pids, end, ...fresh() })]).settled();
      const started = readFileSync(pids, "utf8").trim().split("\n").map(Number);
      expect(started.length).toBeGreaterThanOrEqual(2);
      // The kernel takes its moment with processes that were killed.
      await eventually(() => !started.some(isAlive), 2_000, `the end of ${started}`);
    });
  });
}
