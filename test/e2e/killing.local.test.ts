import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { eventually, processesWith, runScript } from "../support/scripts.ts";

const COUNT = 40;
const TASK_MS = 50;

let folder: string;
let file: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "stratolab-killing-"));
  file = join(folder, "executions");
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

const start = (kind: "counted" | "busy" | "mortal" = "counted", count = COUNT) =>
  runScript("e2e/fixtures/counted-script.ts", [join(folder, "storage"), file, String(count), String(TASK_MS), kind], {
    // Marks the script and everything below it.
    STRATOLAB_TEST: folder,
  });

const lines = (kind: "begin" | "end") =>
  (existsSync(file) ? readFileSync(file, "utf8") : "")
    .split("\n")
    .filter((line) => line.startsWith(kind))
    .map((line) => ({ id: Number(line.split(" ")[1]), pid: Number(line.split(" ")[2]) }));

const mine = () => processesWith(`STRATOLAB_TEST=${folder}`);
const all = Array.from({ length: COUNT }, (_, id) => id);
const sorted = (ids: number[]) => [...ids].sort((a, b) => a - b);

describe("an executor killed with SIGKILL in the middle of a run", () => {
  test("costs its own attempt, and nothing that was done is done again", async () => {
    const script = start();
    await eventually(() => lines("end").length >= 10, 20_000, "a quarter of the tasks");
    const victim = lines("begin").at(-1)?.pid as number;
    process.kill(victim, "SIGKILL");

    const { exitCode, stdout } = await script.ended;
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout).results).toEqual(all);
    const ended = lines("end").map(({ id }) => id);
    expect(sorted([...new Set(ended)])).toEqual(all);
    // What was being stored in the very moment is done again.
    expect(ended.length).toBeLessThanOrEqual(COUNT + 1);
    expect(lines("begin").length).toBeLessThanOrEqual(COUNT + 1);
    expect(mine()).toEqual([]);
  });
});

describe("a task that ends its own process", () => {
  test("takes no result before it along, though its process was busy since then", async () => {
    const { exitCode, stdout } = await start("mortal").ended;
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout).results).toEqual(all);
    expect(sorted(lines("end").map(({ id }) => id))).toEqual(all);
    expect(lines("begin").length).toBe(COUNT + 1);

    // What the first run has told is there for the next one.
    expect(JSON.parse((await start("mortal").ended).stdout).results).toEqual(all);
    expect(lines("begin").length).toBe(COUNT + 1);
  });
});

describe("a parent killed with SIGKILL in the middle of a run", () => {
  test("leaves no process, and the next start reuses all finished results", async () => {
    const script = start();
    await eventually(() => lines("end").length >= 10, 20_000, "a quarter of the tasks");
    script.child.kill("SIGKILL");
    await script.ended;
    await eventually(() => mine().length === 0, 5_000, "the end of all processes");

    const { exitCode, stdout } = await start().ended;
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout).results).toEqual(all);
    // What was being stored in the very moment may be done again: at most what was running then.
    expect(lines("end").length).toBeLessThanOrEqual(COUNT + 2);
    expect(new Set(lines("end").map(({ id }) => id)).size).toBe(COUNT);
  });

  test("leaves no process either that is busy and hears nothing", async () => {
    const script = start("busy", 2);
    await eventually(() => lines("begin").length === 2, 20_000, "two busy tasks");
    script.child.kill("SIGKILL");
    await script.ended;
    await eventually(() => mine().length === 0, 5_000, "the end of all processes");
  });
});

describe("Ctrl-C", () => {
  test("once lets running attempts finish and keeps their results", async () => {
    const script = start();
    await eventually(() => lines("end").length >= 5, 20_000, "the first tasks");
    script.child.kill("SIGINT");
    const { exitCode } = await script.ended;
    expect(exitCode).not.toBe(0);
    expect(lines("end").length).toBeLessThan(COUNT);
    // Whatever began has ended: nothing was stopped half way.
    expect(sorted(lines("end").map(({ id }) => id))).toEqual(sorted(lines("begin").map(({ id }) => id)));
    expect(mine()).toEqual([]);

    const before = lines("end").length;
    await start().ended;
    expect(lines("end").length).toBe(COUNT);
    expect(before).toBeGreaterThan(0);
  });

  test("twice stops them", async () => {
    const script = start("busy", 2);
    await eventually(() => lines("begin").length === 2, 20_000, "two busy tasks");
    script.child.kill("SIGINT");
    await new Promise((resolve) => setTimeout(resolve, 200));
    script.child.kill("SIGINT");
    const { exitCode } = await script.ended;
    expect(exitCode).not.toBe(0);
    expect(mine()).toEqual([]);
  });
});
