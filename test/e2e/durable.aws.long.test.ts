import { InvocationType, InvokeCommand, LambdaClient } from "@aws-sdk/client-lambda";
import { aws, type Runner } from "stratolab";
import { describe, expect, test, vi } from "vitest";
import { readJournals } from "../../sdk/stores/journal.ts";
import { labKey } from "../../sdk/wire/keys.ts";
import { PROTOCOL_VERSION } from "../../sdk/wire/protocol.ts";
import { counted } from "../sdk/fixtures/lab-tasks.ts";
import { eventually, processesWith } from "../support/scripts.ts";
import { thisStack } from "../support/this-stack.ts";
import { openStores, Place } from "./durable-place.ts";

const numbers = (count: number) => Array.from({ length: count }, (_, id) => id);

// They wait more than they work: all at once.
describe.concurrent("on AWS", { timeout: 240_000 }, () => {
  test("a driver that is killed at half has none of its finished tasks run again", async () => {
    await using place = new Place();
    const script = await place.script(60, 100);
    await eventually(() => place.lines("done").length >= 30, 60_000, "the thirtieth task");
    script.child.kill("SIGKILL");
    await script.ended;
    // A task is finished when its result is stored, up to a second after its last line: results are written in packs.
    const stored = await place.lab().cachedTasks({ type: "counted" });
    expect(stored.length).toBeGreaterThanOrEqual(15);
    const finished = stored.map(({ params }) => String((params as { id: number }).id));
    const run = await place.onlooker().attach(script.id);
    expect(await run.results()).toEqual(numbers(60));
    const begun = place.lines("begun");
    for (const id of finished) expect(begun.filter((line) => line === id)).toHaveLength(1);
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

  test("what was dispatched a moment before its driver is killed is waited for, too", async () => {
    await using place = new Place();
    const script = await place.script(4, 4_000);
    await place.begun(4);
    // Less than the second after which little work would be written down.
    await new Promise((resolve) => setTimeout(resolve, 700));
    script.child.kill("SIGKILL");
    await script.ended;
    const run = await place.onlooker().attach(script.id);
    expect(await run.results()).toEqual(numbers(4));
    expect(place.lines("begun").toSorted()).toEqual(["0", "1", "2", "3"]);
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
