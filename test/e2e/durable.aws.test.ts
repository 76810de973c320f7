import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { InvocationType, InvokeCommand, LambdaClient } from "@aws-sdk/client-lambda";
import { aws, Lab, type ProgressEvent, type Runner } from "stratolab";
import { describe, expect, test, vi } from "vitest";
import { readHistory } from "../../sdk/history/run-history.ts";
import { taskHistories } from "../../sdk/history/task-history.ts";
import { openAwsStores } from "../../sdk/stores/aws/open.ts";
import { readJournals } from "../../sdk/stores/journal.ts";
import { labKey } from "../../sdk/wire/keys.ts";
import { PROTOCOL_VERSION } from "../../sdk/wire/protocol.ts";
import { StackOutput } from "../../sdk/wire/stack-outputs.ts";
import { counted } from "../sdk/fixtures/lab-tasks.ts";
import { eventually, processesWith, type RunningScript, runScript } from "../support/scripts.ts";
import { thisStack } from "../support/this-stack.ts";
import { countOf } from "./nested-suite.ts";

const numbers = (count: number) => Array.from({ length: count }, (_, id) => id);

/** What a script says first. */
const firstLine = ({ child, ended }: RunningScript) =>
  new Promise<string>((resolve, reject) => {
    child.stdout?.once("data", (text) => resolve(String(text).trim()));
    void ended.then(({ stderr }) => reject(new Error(stderr)));
  });

const openStores = () => {
  const { outputs } = thisStack();
  const [table, bucket] = [outputs[StackOutput.table] as string, outputs[StackOutput.bucket] as string];
  return openAwsStores({ kind: "aws", table, bucket });
};

/** A namespace of its own, and a folder in which tasks leave lines that the library has no part in counting. */
class Place implements AsyncDisposable {
  readonly folder = mkdtempSync(join(tmpdir(), "stratolab-durable-"));
  readonly namespace = this.folder.replace(/\W/g, "");
  readonly events: ProgressEvent[] = [];
  readonly #labs: Lab[] = [];

  constructor() {
    for (const name of ["begun", "done"]) writeFileSync(join(this.folder, name), "");
  }

  lab(options: { runner?: Runner } = {}): Lab {
    return this.#lab({ tasks: new URL("../sdk/fixtures/lab-tasks.ts", import.meta.url), runner: aws(), ...options });
  }

  /** A lab as somebody has it who comes along later: without the tasks. */
  onlooker(): Lab {
    return this.#lab({ runner: aws() });
  }

  #lab(options: { tasks?: URL; runner: Runner }): Lab {
    const progress = (event: ProgressEvent) => void this.events.push(event);
    // Six tests at once share the ten environments of a new account, drivers included.
    const lab = new Lab({ namespace: this.namespace, concurrency: 2, handleInterrupt: false, progress, ...options });
    this.#labs.push(lab);
    return lab;
  }

  lines(name: "begun" | "done"): string[] {
    return readFileSync(join(this.folder, name), "utf8").split("\n").filter(Boolean);
  }

  begun(count: number): Promise<void> {
    return eventually(() => this.lines("begun").length >= count, 60_000, `the beginning of ${count} attempts`);
  }

  notices(): string {
    return this.events.flatMap((event) => (event.type === "notice" ? [event.text] : [])).join("\n");
  }

  /** Starts a script that runs `count` counted tasks, and gives the id of its run. */
  async script(count: number, ms: number, detachAfter = 0, task = "counted") {
    const args = [this.folder, String(count), String(ms), String(detachAfter), "aws", task];
    const script = runScript("sdk/fixtures/interrupted-run.ts", args, { MARK: this.folder });
    return { ...script, id: await firstLine(script) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#labs.map((lab) => lab.close()));
    rmSync(this.folder, { recursive: true });
  }
}

// They wait more than they work: all at once.
describe.concurrent("on AWS", { timeout: 120_000 }, () => {
  test("a task that waits for others is made again by the next driver, and what it runs is neither doubled nor tried again", async () => {
    await using place = new Place();
    const file = join(place.folder, "lines");
    const args = ["aws", "", place.namespace, file, "32000"];
    const script = runScript("e2e/fixtures/nested-script.ts", args, { MARK: place.folder });
    const id = await firstLine(script);
    const { objects, table } = await openStores();
    const waiting = ["failed", "done", "running"];
    await vi.waitFor(
      async () => {
        const { plan, events } = await readHistory({ objects, table }, place.namespace, id);
        // The one that waits is suspended after five seconds.
        expect(
          taskHistories(plan, events)
            .map(({ status }) => status)
            .slice(1),
        ).toEqual(waiting);
      },
      { timeout: 60_000, interval: 300 },
    );
    // What is in flight is written down once a second.
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    script.child.kill("SIGKILL");
    await script.ended;
    expect(await (await place.onlooker().attach(id)).results()).toEqual([["user-error", "ok", "ok"]]);
    expect(["losing", "slow", "done"].map((word) => countOf(file, word))).toEqual([1, 2, 2]);
    await table.close();
  });

  test("a driver that is killed at half has none of its finished tasks run again", async () => {
    await using place = new Place();
    const script = await place.script(60, 100);
    await eventually(() => place.lines("done").length >= 30, 60_000, "the thirtieth task");
    script.child.kill("SIGKILL");
    await script.ended;
    const done = place.lines("done");
    const run = await place.onlooker().attach(script.id);
    expect(await run.results()).toEqual(numbers(60));
    const begun = place.lines("begun");
    for (const id of done) expect(begun.filter((line) => line === id)).toHaveLength(1);
  });

  test("attempts on Lambda and ECS are taken over by the next driver, not doubled", async () => {
    await using place = new Place();
    const { folder } = place;
    const lab = place.lab();
    const run = lab.start([
      counted({ id: 1, ms: 19_000, folder, executor: "lambda" }),
      counted({ id: 2, ms: 21_000, folder, executor: "ecs" }),
    ]);
    await place.begun(2);
    await run.detach();
    await lab.close();
    const onlooker = place.onlooker();
    const followed = await onlooker.attach(run.id);
    expect(await followed.results()).toEqual([1, 2]);
    // They have cost something, too: its driver has counted it, and has told it.
    const attempts = (await followed.settled()).flatMap((outcome) => outcome.attempts);
    for (const { costUsd } of attempts) expect(costUsd).toBeGreaterThan(0);
    const costs = place.events.map((event) => (event.type === "cost" ? event.usd : 0));
    expect(costs.reduce((sum, usd) => sum + usd)).toBeGreaterThanOrEqual(attempts[0].costUsd + attempts[1].costUsd);
    const [{ costUsd }] = await onlooker.runs();
    expect(costUsd).toBeGreaterThan(attempts[0].costUsd + attempts[1].costUsd);
    expect(place.lines("begun").toSorted()).toEqual(["1", "2"]);
    expect(place.notices()).toContain("2 attempts of a driver that is gone still run");
  });

  test("the same script, started again after its driver was killed, waits for what still runs", async () => {
    await using place = new Place();
    const first = await place.script(2, 15_000);
    await place.begun(2);
    // What is in flight is written down once a second.
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    first.child.kill("SIGKILL");
    await first.ended;
    const second = await place.script(2, 15_000);
    expect(await second.ended).toMatchObject({ exitCode: 0, stderr: "" });
    expect(second.id).not.toBe(first.id);
    expect(place.lines("begun").toSorted()).toEqual(["0", "1"]);
  });

  test("a detached run finishes with no process left here, and is told from elsewhere", async () => {
    await using place = new Place();
    const script = await place.script(40, 100, 12);
    expect(await script.ended).toMatchObject({ exitCode: 0, stderr: "" });
    const emulated = new Set(processesWith(thisStack().owner));
    expect(processesWith(place.folder).filter((pid) => !emulated.has(pid))).toEqual([]);
    const run = await place.onlooker().attach("counted");
    expect(run.id).toBe(script.id);
    expect(await run.results()).toEqual(numbers(40));
    const texts = place.events.flatMap((event) => (event.type === "log" ? [event.text] : []));
    // Lines of attempts that were under way at the hand-over went to the driver that had begun them.
    const lines = numbers(40).map((id) => `counting ${id}`);
    expect(lines).toEqual(expect.arrayContaining([...new Set(texts)]));
    expect(new Set(texts).size).toBeGreaterThan(20);
    expect(place.lines("done")).toHaveLength(40);
    const [info] = await place.onlooker().runs();
    expect(info).toMatchObject({ id: run.id, status: "ok", counts: { total: 40, running: 0, failed: 0 } });
  });

  test("a driver in the cloud hands a run to its next invocation before its deadline", async () => {
    await using place = new Place();
    const { folder } = place;
    const runner: Runner = aws();
    const lambda = new LambdaClient();
    // As if its first invocation had two seconds left.
    runner.handOver = async (order) => {
      const Payload = JSON.stringify({ ...order, protocol: PROTOCOL_VERSION, leaveAfterMs: 2_000 });
      const FunctionName = thisStack().outputs.DriverFunction;
      await lambda.send(new InvokeCommand({ FunctionName, InvocationType: InvocationType.Event, Payload }));
    };
    const run = await place.lab({ runner }).submit(numbers(4).map((id) => counted({ id, ms: 9_000, folder })));
    expect(await run.results()).toEqual(numbers(4));
    expect(place.lines("begun")).toHaveLength(4);
    lambda.destroy();
  });

  test("executors end what they work on, and wait for, when their driver is gone and nobody takes over", async () => {
    await using place = new Place();
    const { table } = await openStores();
    const script = await place.script(2, 0, 0, "overseeing");
    await place.begun(2);
    const sources = ["0", "1", "over 0", "over 1"];
    await eventually(() => sources.every((each) => place.lines("begun").includes(each)), 40_000, "ticks of all");
    script.child.kill("SIGKILL");
    await script.ended;
    // Its journal names its lab, whose last sign of life is made as old as it would be in two minutes.
    const [journal] = await readJournals(table, place.namespace);
    await table.merge(labKey(journal.lab), { until: Date.now() - 120_000 });
    await vi.waitFor(
      async () => {
        const before = place.lines("begun").length;
        await new Promise((resolve) => setTimeout(resolve, 1_000));
        expect(place.lines("begun").length).toBe(before);
      },
      { timeout: 45_000, interval: 1 },
    );
    // Whoever comes later goes on with it.
    const run = await place.onlooker().attach(script.id);
    await run.cancel();
    await table.close();
  });
});

test("what a run may cost is kept by whoever drives it, and its end is told as it was", async () => {
  await using place = new Place();
  const { folder } = place;
  const tasks = numbers(2).map((id) => counted({ id, ms: 10, folder }));
  const run = await place.lab().submit(tasks, { maxCostUsd: 1e-9 });
  await expect(run.results()).rejects.toMatchObject({
    kind: "cost-limit",
    message: expect.stringContaining("was ended by maxCostUsd 1e-9: it has cost $0"),
  });
  expect(place.lines("begun")).toEqual([]);
});
