import { Lab, type TaskExplanation, task } from "stratolab";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Project } from "../support/project.ts";
import { cli } from "./run-cli.ts";

const load = task({ name: "load", run: (_params: { n: number }) => new Map<string, number>() });
const train = task({
  name: "train",
  runnerOptions: { retryOn: true, maxRetries: 1 },
  run: (_params: { seed: number; data: Map<string, number> }) => 1,
});

/** A project with a run in which some tasks went well, and one did not. */
const project = new Project({
  "tasks.ts": `
    import { task } from "stratolab";
    export const load = task({ name: "load", run: ({ n }, ctx) => {
      ctx.log.info("loading\\u001b[31m\\u009b31m\\n2026-01-01 forged line");
      return new Map([["n", n]]);
    } });
    export const train = task({
      name: "train",
      run: ({ seed }, ctx) => {
        ctx.log.warn("epoch");
        ctx.log.debug("seed", seed);
        if (seed === 3) throw new RangeError("bad seed");
        return { seed };
      },
    });
  `,
});

beforeAll(async () => {
  const common = { tasks: project.path("tasks.ts"), runner: "inline", progress: false } as const;
  await using lab = new Lab({ ...common, storage: project.path(".stratolab") });
  const data = load({ n: 5 });
  const models = [1, 2, 3].map((seed) => train({ seed, data }));
  await lab.start([data, ...models], { name: "sweep" }).settled();
});

afterAll(() => project[Symbol.dispose]());

const run = (...args: string[]) => cli(project.folder, args);

describe("stratolab logs", () => {
  test("shows lines with time, task and attempt, and nothing that a terminal would obey", async () => {
    const { exitCode, stdout, stderr } = await run("logs", "sweep");
    expect([exitCode, stderr]).toEqual([0, ""]);
    const lines = stdout.trimEnd().split("\n");
    expect(lines.slice(0, 2)).toEqual([
      expect.stringMatching(/^[\d-]{10} [\d:]{8}\.\d{3} load\(\{ n: 5 \}\) \[1\] loading\\x1b\[31m\\x9b31m$/),
      "    2026-01-01 forged line",
    ]);
    // One of the attempts failed twice, which is told, too.
    expect(lines).toHaveLength(2 + 8 + 2);
    expect(lines).toContainEqual(expect.stringMatching(/ train\(.*seed: 3 \}\) \[2\] warn: epoch$/));
  });

  test("chooses by task, attempt and level, and prints JSON a line", async () => {
    const chosen = await run("logs", "sweep", "seed: 3", "--attempt", "2", "--level", "info", "--json");
    expect(
      chosen.stdout
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line)),
    ).toEqual([
      {
        at: expect.any(Number),
        level: "warn",
        text: "epoch",
        name: "train",
        position: 3,
        task: expect.stringContaining("seed: 3"),
        attempt: 2,
      },
      expect.objectContaining({ level: "error", text: "attempt failed, user-error: RangeError: bad seed", attempt: 2 }),
    ]);
  });

  test("tells what was said often once, with its number", async () => {
    const { stdout } = await run("logs", "sweep", "train", "--level", "warn", "--dedupe");
    expect(stdout).toMatch(/^[^\n]* warn: epoch \(4 times, in 3 tasks\)\n/);
  });

  test.each([
    [["logs", "weep"], 'there is no run "weep"'],
    [["logs", "sweep", "tarin"], 'no task of the run is meant by "tarin"; it has load, 3 train'],
    [["logs", "sweep", "--level", "loud"], "Allowed choices are debug, info, warn, error"],
    [["explain", "train"], '3 tasks are meant by "train", say which by its number: #1 train({ data: load({ n: 5 })'],
    [["summary", "weep"], 'there is no run "weep"'],
    [["runs", "results", "weep"], 'there is no run "weep"'],
    [["runs", "attach", "weep"], 'there is no run "weep"'],
  ])("refuses %j", async (args, message) => {
    const { exitCode, stdout, stderr } = await run(...args);
    expect([exitCode > 0, stdout]).toEqual([true, ""]);
    expect(stderr).toContain(message);
  });
});

describe("stratolab runs show and results", () => {
  test("tell what became of the tasks by type, and where", async () => {
    const { stdout } = await run("runs", "show", "sweep");
    expect(stdout).toMatch(
      /\nTASK +TOTAL +DONE +CACHED +RUNNING +PENDING +FAILED +CANCELLED\nload +1 +1 .*\ntrain +3 +2 /,
    );
    expect(stdout).toMatch(/\nTASK +WHERE +ATTEMPTS\nload +inline +1\ntrain +inline +4\n$/);
    const { types } = JSON.parse((await run("runs", "show", "sweep", "--json")).stdout);
    expect(types).toMatchObject([{ name: "load" }, { name: "train", failed: 1, lanes: { inline: 4 } }]);
  });

  test("give each result as JSON where it can be said so, and else as one would print it", async () => {
    const { stdout } = await run("runs", "results", "sweep", "--json");
    expect(JSON.parse(stdout)).toEqual([
      {
        position: 0,
        task: "load({ n: 5 })",
        status: "done",
        bytes: expect.any(Number),
        preview: "Map(1) { 'n' => 5 }",
      },
      expect.objectContaining({ position: 1, value: { seed: 1 } }),
      expect.objectContaining({ position: 2, value: { seed: 2 } }),
      expect.objectContaining({ position: 3, status: "failed", error: expect.stringContaining("bad seed") }),
    ]);
    const text = await run("runs", "results", "sweep");
    expect(text.stdout).toContain("#0 load({ n: 5 }): Map(1) { 'n' => 5 }\n");
    expect(text.stdout).toMatch(/\n#1 train\(.*\): \{"seed":1\}\n/);
    expect(text.stdout).toMatch(/\n#3 train\(.*\): failed: .*bad seed/);
  });
});

describe("stratolab summary and explain", () => {
  test("sum a run up", async () => {
    const { exitCode, stdout } = await run("summary", "sweep");
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^run \S+ \(sweep\) on inline: failed, \d/);
    expect(stdout).toMatch(/\ntrain +3 +2 +0 +1 +0 +1 +4\n/);
    expect(stdout).toMatch(/\nslowest tasks:\n +[\d.]+ ms +#\d /);
    expect(stdout).toMatch(/\ncritical path, [\d.]+ ms:\n/);
    const { types } = JSON.parse((await run("summary", "sweep", "--json")).stdout);
    expect(types).toMatchObject([
      { name: "load", attempts: 1 },
      { name: "train", retried: 1, attempts: 4 },
    ]);
  });

  test("tell why a task went as it did, in words and as data", async () => {
    const { exitCode, stdout } = await run("explain", "seed: 3", "--run", "sweep");
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^task +train\(.*\)\n/);
    expect(stdout).toMatch(/\nwent to +inline: this machine\n/);
    expect(stdout).toMatch(/\ncache +no result of train was stored\n/);
    expect(stdout).toMatch(/\nwaited for #0 load\(\{ n: 5 \}\): done at .*, the last one\n/);
    expect(stdout).toMatch(
      /\nattempts +1: user-error on inline.*\n +queued .*; CPU .* in, .* out\n +seen: .*bad seed.*\n +decided: .*retry 1 of 1/,
    );
    expect(stdout).toMatch(/\nerror +.*\n +RangeError: bad seed\n +at /);
    const { stdout: json } = await run("explain", "#3", "--json");
    const told = JSON.parse(json) as TaskExplanation;
    expect(told).toMatchObject({ status: "failed", attempts: [{ attempt: 1 }, { attempt: 2 }] });
  });
});
