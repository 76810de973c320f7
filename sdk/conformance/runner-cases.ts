import { deepStrictEqual, match, ok, rejects, strictEqual } from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ProgressEvent } from "../driver/progress-events.ts";
import { RunError, RuntimeEnvSetupError, TaskCancelledError } from "../errors.ts";
import { Lab } from "../lab.ts";
import type { LabOptions } from "../lab-options.ts";
import { packageFile } from "../package-files.ts";
import type { Runner } from "../runners/runner.ts";
import * as tasks from "./tasks.ts";

/** What the suite needs of a runner. */
export interface RunnerConformanceOptions {
  /** Makes a runner for each case; a name takes one that is built in. */
  readonly runner: "local" | "aws" | "inline" | (() => Runner);
  /** Folder for results, for runners that keep them on this machine. Default a new one for each case. */
  readonly storage?: "none" | string;
  /**
   * Whether attempts have processes of their own, that can be killed. Default true; without, the cases
   * of blocked and dying executors are left out.
   */
  readonly isolated?: boolean;
  /** Whether a running attempt can be told to stop. Default true. */
  readonly cancellable?: boolean;
  /** Whether executors set runtime environments up. Default true. */
  readonly runtimeEnvs?: boolean;
  /** Whether tasks see this machine's files. Default true. */
  readonly sharesFiles?: boolean;
}

/** One thing that a runner has to get right. `run` rejects where it does not. */
export interface RunnerCase {
  readonly name: string;
  run(): Promise<void>;
}

interface Bench {
  readonly lab: Lab;
  readonly events: ProgressEvent[];
  readonly folder: string;
}

/** Different in every process, so that nothing is found in a cache by accident. */
const salt = () => randomBytes(4).readUInt32LE();

/**
 * What every runner has to get right, as cases for any test framework.
 *
 * @example
 * import { runnerConformance } from "stratolab/conformance";
 * for (const { name, run } of runnerConformance({ runner: () => new MyRunner() })) test(name, run);
 */
export function runnerConformance(options: RunnerConformanceOptions): RunnerCase[] {
  const { isolated = true, cancellable = true, runtimeEnvs = true, sharesFiles = true } = options;

  const withLab = (extra: Partial<LabOptions>, body: (bench: Bench) => Promise<void>) => async () => {
    const folder = await mkdtemp(join(tmpdir(), "stratolab-conformance-"));
    const events: ProgressEvent[] = [];
    const { runner, storage = folder } = options;
    const lab = new Lab({
      tasks: packageFile("dist/conformance/tasks.js"),
      runner: typeof runner === "function" ? runner() : runner,
      ...(storage === "none" ? {} : { storage }),
      namespace: `conformance-${salt()}`,
      progress: (event) => events.push(event),
      ...extra,
    });
    try {
      await body({ lab, events, folder });
    } finally {
      await lab.close();
      await rm(folder, { recursive: true, force: true });
    }
  };

  const cases: RunnerCase[] = [
    {
      name: "gives values of every kind back as they were",
      run: withLab({}, async ({ lab }) => {
        const shared = { deep: [1, [2, [3]]] };
        const value = {
          text: "grüße \u{1f30d}",
          numbers: [0, -0, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53],
          big: 123_456_789_012_345_678_901n,
          nothing: [null, undefined],
          date: new Date(1_700_000_000_000),
          pattern: /a+b/gi,
          map: new Map<unknown, unknown>([["key", new Set([1, 2])]]),
          bytes: Buffer.from("bytes"),
          floats: new Float32Array([1, 2.5, -3]),
          twice: [shared, shared],
        };
        const [result] = await lab.runTasks([tasks.echo({ value })]);
        deepStrictEqual(result, value);
        const { twice } = result as typeof value;
        strictEqual(twice[0], twice[1]);
      }),
    },
    {
      name: "hands results on to the tasks that depend on them, and runs a shared dependency once",
      run: withLab({}, async ({ lab, events }) => {
        const base = tasks.add({ a: salt() % 1_000, b: 1 });
        const left = tasks.add({ a: base, b: 10 });
        const right = tasks.add({ a: base, b: 20 });
        const [total, first] = await lab.runTasks([tasks.sum({ values: [left, right, base, 1] }), base]);
        strictEqual(total, 3 * first + 31);
        strictEqual(events.filter(({ type }) => type === "task-done").length, 4);
      }),
    },
    {
      name: "runs tasks that run tasks, deeper than it has executors",
      run: withLab({ concurrency: 1 }, async ({ lab }) => {
        strictEqual(await lab.runTask(tasks.nest({ depth: 3, salt: salt() })), 3);
      }),
    },
    {
      name: "hands large typed arrays on",
      run: withLab({}, async ({ lab }) => {
        const length = 400_000;
        const values = tasks.ramp({ length });
        deepStrictEqual(await lab.runTasks([tasks.last({ values }), tasks.last({ values })]), [length - 1, length - 1]);
      }),
    },
    {
      name: "runs many tasks at once, and gives their results in order",
      run: withLab({}, async ({ lab }) => {
        const many = Array.from({ length: 60 }, (_, index) => tasks.add({ a: index, b: 1 }));
        deepStrictEqual(
          await lab.runTasks(many),
          many.map((_, index) => index + 1),
        );
      }),
    },
    {
      name: "finds results again without running anything",
      run: withLab({}, async ({ lab, events }) => {
        const task = tasks.add({ a: salt(), b: 1 });
        const first = await lab.runTask(task);
        strictEqual(await lab.isCached(task), true);
        const before = events.filter(({ type }) => type === "task-started").length;
        strictEqual(await lab.runTask(task), first);
        strictEqual(events.filter(({ type }) => type === "task-started").length, before);
        await lab.runTask(task, { bustCache: true });
        strictEqual(events.filter(({ type }) => type === "task-started").length, before + 1);
        await lab.uncache([task]);
        strictEqual(await lab.isCached(task), false);
      }),
    },
    {
      name: "reports what a task throws, with its class, message, cause and attempts",
      run: withLab({}, async ({ lab }) => {
        const good = tasks.add({ a: 1, b: 2 });
        const bad = tasks.failing({ message: "no way" });
        const blocked = tasks.add({ a: bad, b: 1 });
        const error = await lab.runTasks([good, bad, blocked]).then(
          () => undefined,
          (reason: unknown) => reason,
        );
        ok(error instanceof RunError);
        strictEqual(error.kind, "user-error");
        deepStrictEqual(error.results, [3, undefined, undefined]);
        const [failure, dependent] = error.failures;
        strictEqual(failure.task, bad);
        strictEqual(failure.attempts.length, 1);
        const cause = failure.cause as Error;
        strictEqual(cause.name, "RangeError");
        strictEqual(cause.message, "no way");
        strictEqual((cause.cause as Error).name, "TypeError");
        strictEqual(dependent.task, blocked);
        strictEqual(dependent.blockedBy, bad);
        strictEqual(dependent.kind, "cancelled");
      }),
    },
    {
      name: "tries errors in retryOn again",
      run: withLab({}, async ({ lab, events }) => {
        strictEqual(await lab.runTask(tasks.flaky({ salt: salt() })), 3);
        strictEqual(events.filter(({ type }) => type === "task-retried").length, 2);
      }),
    },
    {
      name: "says where a result cannot be serialised",
      run: withLab({}, async ({ lab }) => {
        await rejects(lab.runTask(tasks.unserializable({ salt: salt() })), /result\.list\[1\]\.fn is the function fn/);
      }),
    },
    {
      name: "lets a task see the lab's context, its attempt and its run",
      run: withLab({ context: { region: "north", limits: [1, 2] } }, async ({ lab }) => {
        const run = lab.start([tasks.seesContext({ salt: salt() })]);
        deepStrictEqual(await run.results(), [
          { context: { region: "north", limits: [1, 2] }, attempt: 1, runId: run.id },
        ]);
      }),
    },
    {
      name: "finishes what can be finished, or stops at the first failure, as asked",
      run: withLab({ concurrency: 1 }, async ({ lab }) => {
        const batch = () => [
          tasks.failing({ message: `first ${salt()}` }),
          ...Array.from({ length: 5 }, () => tasks.add({ a: salt(), b: 1 })),
        ];
        const finished = await lab.start(batch()).settled();
        strictEqual(finished.filter(({ kind }) => kind === "ok").length, 5);
        const stopped = await lab.start(batch(), { failFast: true }).settled();
        ok(stopped.filter(({ kind }) => kind === "cancelled").length >= 4);
      }),
    },
    {
      name: "yields outcomes as they come",
      run: withLab({}, async ({ lab }) => {
        const asked = [
          tasks.add({ a: 1, b: salt() }),
          tasks.failing({ message: `${salt()}` }),
          tasks.add({ a: 2, b: salt() }),
        ];
        const seen = new Map<unknown, string>();
        for await (const outcome of lab.start(asked)) seen.set(outcome.task, outcome.kind);
        deepStrictEqual(
          asked.map((task) => seen.get(task)),
          ["ok", "user-error", "ok"],
        );
      }),
    },
  ];

  if (isolated) {
    cases.push(
      {
        name: "brings log lines of tasks, from console and ctx.log",
        run: withLab({}, async ({ lab, events }) => {
          await lab.runTask(tasks.talkative({ words: `hello ${salt()}` }));
          const lines = events.filter((event) => event.type === "log");
          deepStrictEqual(
            lines.map(({ level, text }) => `${level} ${text.split(":")[0]}`),
            ["info console", "warn log"],
          );
        }),
      },
      {
        name: "brings what processes write that a task has started, as the task's own",
        run: withLab({ concurrency: 1 }, async ({ lab, events }) => {
          const [first, second] = [`first ${salt()}`, `second ${salt()}`];
          await lab.runTasks([tasks.parental({ words: first }), tasks.parental({ words: second })]);
          const lines = events.filter((event) => event.type === "log");
          deepStrictEqual(
            lines.map(({ task, level, text }) => `${task.includes("first")} ${level} ${text}`).sort(),
            [`child: ${first}`, `child: ${second}`, `parent: ${first}`, `parent: ${second}`]
              .flatMap((text) => {
                const own = text.includes("first");
                return text.startsWith("parent")
                  ? [`${own} info ${text}`]
                  : [`${own} error ${text}`, `${own} info ${text}`];
              })
              .sort(),
          );
        }),
      },
      {
        name: "ends an attempt that blocks the event loop past its timeoutMs",
        run: withLab({}, async ({ lab }) => {
          const error = await lab.runTask(tasks.blocking({ ms: 30_000 })).catch((reason: unknown) => reason);
          ok(error instanceof RunError);
          strictEqual(error.kind, "timeout");
          strictEqual(await lab.runTask(tasks.blocking({ ms: 1 })), 1);
        }),
      },
      {
        name: "survives an executor that is killed, and charges it to maxRetries",
        run: withLab({}, async ({ lab, events }) => {
          strictEqual(await lab.runTask(tasks.suicidal({ salt: salt() })), 2);
          const [retry] = events.filter((event) => event.type === "task-retried");
          strictEqual(retry?.kind, "executor-lost");
        }),
      },
    );
  }
  if (runtimeEnvs) {
    cases.push(
      {
        name: "sets a task's runtime environment up once per executor, over the lab's, and keeps it from other tasks",
        run: withLab({ concurrency: 1, runtimeEnv: { env: { STAGE: "lab", SHARED: "yes" } } }, async ({ lab }) => {
          const first = await lab.runTask(tasks.furnished({ salt: salt() }));
          deepStrictEqual(first, { stage: "task", shared: "yes", prepared: ["task"] });
          deepStrictEqual(await lab.runTask(tasks.furnished({ salt: salt() })), first);
          const { stage, shared } = await lab.runTask(tasks.plain({ salt: salt() }));
          deepStrictEqual([stage, shared], ["lab", "yes"]);
          strictEqual(process.env.SHARED, undefined);
        }),
      },
      {
        name: "runs attempts in the files of a working folder",
        run: async () => {
          const folder = await mkdtemp(join(tmpdir(), "stratolab-files-"));
          await mkdir(join(folder, "data"));
          await Promise.all(
            Object.entries({
              ".gitignore": "*.log\n",
              "a.txt": "alpha",
              "b.log": "no",
              "data/c.txt": "gamma",
              "data/d.bin": "no",
            }).map(([path, text]) => writeFile(join(folder, path), text)),
          );
          const runtimeEnv = { workingDir: folder, excludes: ["data/*.bin"] };
          const here = process.cwd();
          await withLab({ concurrency: 1, runtimeEnv }, async ({ lab }) => {
            const read = await lab.runTask(tasks.reader({ file: "data/c.txt", salt: salt() }));
            deepStrictEqual(read.files, [".gitignore", "a.txt", "data", join("data", "c.txt")]);
            strictEqual(read.text, "gamma");
          })();
          strictEqual(process.cwd(), here);
          await rm(folder, { recursive: true });
        },
      },
      {
        name: "fails the tasks of a runtime environment that cannot be set up, by name and with its log, and no others",
        run: withLab({}, async ({ lab }) => {
          const [broken, fine] = [tasks.unfurnished({ salt: salt() }), tasks.add({ a: salt(), b: 1 })];
          const error = await lab.runTasks([broken, fine]).catch((reason: unknown) => reason);
          ok(error instanceof RunError);
          strictEqual(error.kind, "setup-failed");
          const [failure] = error.failures;
          ok(failure instanceof RuntimeEnvSetupError);
          match(failure.message, /neverPrepared failed: TypeError: not today/);
          ok(failure.logTail.includes("about to fail"));
          strictEqual(failure.attempts.length, 2);
          strictEqual(typeof error.results[1], "number");
        }),
      },
    );
  }
  if (cancellable) {
    cases.push({
      name: "tells a running attempt to stop when its run is cancelled",
      run: withLab({}, async ({ lab, events }) => {
        const run = lab.start([tasks.patient({ ms: 600_000 + (salt() % 1_000) })]);
        await until(() => events.some(({ type }) => type === "task-started"));
        await run.cancel();
        const [outcome] = await run.settled();
        strictEqual(outcome.kind, "cancelled");
        ok(outcome.status === "rejected" && outcome.reason instanceof TaskCancelledError);
      }),
    });
  }
  if (sharesFiles) {
    cases.push({
      name: "executes every task exactly once",
      run: withLab({}, async ({ lab, folder }) => {
        const file = join(folder, "executions");
        const ids = Array.from({ length: 200 }, (_, id) => id);
        await lab.runTasks(ids.map((id) => tasks.counted({ file, id })));
        const lines = (await readFile(file, "utf8")).trim().split("\n").map(Number);
        deepStrictEqual(
          lines.sort((a, b) => a - b),
          ids,
        );
        match(file, /executions$/);
      }),
    });
  }
  if (sharesFiles && isolated) {
    cases.push({
      name: "gives a task whose attempt hangs a second one, whose result counts",
      run: withLab({ concurrency: 3 }, async ({ lab, events, folder }) => {
        const marker = join(folder, "stuck");
        const ids = Array.from({ length: 31 }, (_, id) => id);
        const outcomes = await lab.start(ids.map((id) => tasks.hanging({ marker, id, ms: 100 }))).settled();
        deepStrictEqual(
          outcomes.map((outcome) => outcome.kind === "ok" && outcome.value),
          ids,
        );
        const [told] = events.filter((event) => event.type === "second-attempt" && event.task.includes("id: 0"));
        match(
          told?.type === "second-attempt" ? told.why : "",
          /^second attempt because the first has taken .* at most$/,
        );
        deepStrictEqual(
          outcomes[0].attempts.map(({ attempt, kind }) => [attempt, kind]),
          [
            [1, "cancelled"],
            [2, "ok"],
          ],
        );
        ok((await readFile(marker)).byteLength === 0);
      }),
    });
  }
  return cases;
}

/** Waits for something that is told, not timed. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 5));
}
