import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { InvocationType, InvokeCommand, LambdaClient } from "@aws-sdk/client-lambda";
import { aws, Lab, type ProgressEvent, type Runner } from "stratolab";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { PROTOCOL_VERSION } from "../../sdk/wire/protocol.ts";
import { counted } from "../sdk/fixtures/lab-tasks.ts";
import { eventually, processesWith, runScript } from "../support/scripts.ts";
import { thisStack } from "../support/this-stack.ts";

/** Emptied after each test: tasks leave lines in it, which the library has no part in counting. */
let folder: string;
let events: ProgressEvent[];
const labs: Lab[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "stratolab-durable-"));
  for (const name of ["begun", "done"]) writeFileSync(join(folder, name), "");
  events = [];
});
afterEach(async () => {
  await Promise.all(labs.splice(0).map((lab) => lab.close()));
  rmSync(folder, { recursive: true });
});

const linesOf = (name: string) => readFileSync(join(folder, name), "utf8").split("\n").filter(Boolean);
const numbers = (count: number) => Array.from({ length: count }, (_, id) => id);

/** A lab as somebody has it who comes along later: without the tasks. */
function onlooker(): Lab {
  const progress = (event: ProgressEvent) => void events.push(event);
  const lab = new Lab({ runner: "aws", namespace: folder.replace(/\W/g, ""), progress });
  labs.push(lab);
  return lab;
}

/** Starts a script that runs `count` counted tasks, and gives the id of its run. */
async function started(count: number, ms: number, detachAfter = 0) {
  const args = [folder, String(count), String(ms), String(detachAfter), "aws"];
  const script = runScript("sdk/fixtures/interrupted-run.ts", args, { MARK: folder });
  const id = await new Promise<string>((resolve, reject) => {
    script.child.stdout?.once("data", (text) => resolve(String(text).trim()));
    void script.ended.then(({ stderr }) => reject(new Error(stderr)));
  });
  return { ...script, id };
}

describe("a driver that is killed at half", () => {
  test("has none of its finished tasks run again, and those in flight are waited for", async () => {
    const script = await started(60, 100);
    await eventually(() => linesOf("done").length >= 30, 30_000, "the thirtieth task");
    script.child.kill("SIGKILL");
    await script.ended;
    const done = linesOf("done");
    const run = await onlooker().attach(script.id);
    expect(await run.results()).toEqual(numbers(60));
    const begun = linesOf("begun");
    for (const id of done) expect(begun.filter((line) => line === id)).toHaveLength(1);
  });

  test("has its long attempts on Lambda and ECS taken over, not doubled", async () => {
    const lab = new Lab({
      runner: "aws",
      namespace: folder.replace(/\W/g, ""),
      tasks: new URL("../sdk/fixtures/lab-tasks.ts", import.meta.url),
      progress: false,
    });
    labs.push(lab);
    // The same as killing it: nothing of it is told to anybody. Its process is this one, which lives, so the
    // lease is let lapse by asking for its end as the next driver would.
    const run = lab.start([
      counted({ id: 1, ms: 9_000, folder, executor: "lambda" }),
      counted({ id: 2, ms: 12_000, folder, executor: "ecs" }),
    ]);
    await eventually(() => linesOf("begun").length >= 2, 40_000, "both attempts");
    await run.detach();
    await lab.close();
    const followed = await onlooker().attach(run.id);
    expect(await followed.results()).toEqual([1, 2]);
    expect(linesOf("begun").toSorted()).toEqual(["1", "2"]);
    const notices = events.flatMap((event) => (event.type === "notice" ? [event.text] : []));
    expect(notices.join("\n")).toContain("2 attempts of a driver that is gone still run");
  });
});

describe("a run that is detached", () => {
  test("finishes with no process left here, and is told from elsewhere: progress, log lines, results", async () => {
    const script = await started(40, 100, 12);
    expect(await script.ended).toMatchObject({ exitCode: 0, stderr: "" });
    const here = processesWith(folder).filter((pid) => !processesWith(thisStack().owner).includes(pid));
    expect(here).toEqual([]);
    const run = await onlooker().attach("counted");
    expect(run.id).toBe(script.id);
    expect(await run.results()).toEqual(numbers(40));
    const texts = events.flatMap((event) => (event.type === "log" ? [event.text] : []));
    expect(new Set(texts)).toEqual(new Set(numbers(40).map((id) => `counting ${id}`)));
    expect(events.filter(({ type }) => type === "task-done").length).toBeGreaterThanOrEqual(28);
    expect(linesOf("done")).toHaveLength(40);
    const [info] = await onlooker().runs();
    expect(info).toMatchObject({ id: run.id, status: "ok", counts: { total: 40, running: 0, failed: 0 } });
  });

  test("goes from one invocation of its driver to the next", async () => {
    const runner: Runner = aws();
    const lambda = new LambdaClient();
    // As its first driver would at Lambda's deadline, after two seconds.
    runner.handOver = async (order) => {
      const Payload = JSON.stringify({ ...order, protocol: PROTOCOL_VERSION, leaveAfterMs: 2_000 });
      const FunctionName = thisStack().outputs.DriverFunction;
      await lambda.send(new InvokeCommand({ FunctionName, InvocationType: InvocationType.Event, Payload }));
      appendFileSync(join(folder, "drivers"), "1\n");
    };
    const tasks = new URL("../sdk/fixtures/lab-tasks.ts", import.meta.url);
    const lab = new Lab({ runner, namespace: folder.replace(/\W/g, ""), tasks, progress: false });
    labs.push(lab);
    const run = await lab.submit(numbers(12).map((id) => counted({ id, ms: 4_000, folder })));
    expect(await run.results()).toEqual(numbers(12));
    expect(linesOf("begun")).toHaveLength(12);
    lambda.destroy();
  });
});
