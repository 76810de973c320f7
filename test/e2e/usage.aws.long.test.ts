import { aws, Lab, type ProgressEvent, type RunningAttempt } from "stratolab";
import { expect, test } from "vitest";
import { readHistory } from "../../sdk/history/run-history.ts";
import { summarise } from "../../sdk/history/summary.ts";
import { openAwsStores } from "../../sdk/stores/aws/open.ts";
import { StackOutput } from "../../sdk/wire/stack-outputs.ts";
import { thisStack } from "../support/this-stack.ts";
import { busy } from "./fixtures/busy-tasks.ts";

const SERVICES = ["lambda", "ecs"] as const;

test("what an attempt uses is told while it runs, when it has ended, and of its type, from Lambda and ECS", async () => {
  const live: RunningAttempt[] = [];
  const progress = (event: ProgressEvent) => void (event.type === "running" && live.push(...event.attempts));
  const namespace = `usage-${process.pid}`;
  const lab = new Lab({
    tasks: new URL("./fixtures/busy-tasks.ts", import.meta.url),
    runner: aws(),
    namespace,
    progress,
  });
  const held = new Uint8Array(3_000).fill(7);
  const run = lab.start(SERVICES.map((executor) => busy({ executor, ms: 8_000, held })));
  const outcomes = await run.settled();
  await lab.close();

  for (const [index, service] of SERVICES.entries()) {
    const [attempt] = outcomes[index]?.attempts ?? [];
    expect(attempt?.lane).toMatch(service === "lambda" ? /^lambda/ : /^fargate/);
    // Measured where it ran: a core, more or less, for eight seconds; 32 MB of its own; 3,000 bytes in, 1,000 out.
    expect(attempt?.peakMemoryMb).toBeGreaterThan(32);
    expect(attempt?.usage?.runMs).toBeGreaterThan(7_900);
    expect(attempt?.usage?.cpuMs).toBeGreaterThan(100);
    expect(attempt?.usage?.bytesIn).toBeGreaterThanOrEqual(3_000);
    expect(attempt?.usage?.bytesOut).toBeGreaterThanOrEqual(1_000);
    for (const stage of ["queueMs", "startMs", "loadMs", "storeMs"] as const) {
      expect(attempt?.usage?.[stage], stage).toBeGreaterThanOrEqual(0);
    }
    const told = live.filter(({ lane }) => lane === attempt?.lane);
    expect(Math.max(...told.map(({ peakMemoryMb = 0 }) => peakMemoryMb))).toBeGreaterThan(32);
    expect(Math.max(...told.map(({ cpuPercent = 0 }) => cpuPercent))).toBeGreaterThan(0);
  }
  const { outputs } = thisStack();
  const [table, bucket] = [outputs[StackOutput.table] as string, outputs[StackOutput.bucket] as string];
  const stores = await openAwsStores({ kind: "aws", table, bucket });
  const [summary] = summarise(await readHistory(stores, namespace, run.id)).types;
  const sum = (of: "cpuMs" | "bytesIn" | "bytesOut") =>
    outcomes.reduce((total, { attempts }) => total + (attempts[0]?.usage?.[of] ?? 0), 0);
  expect(summary).toMatchObject({
    attempts: 2,
    cpuMs: sum("cpuMs"),
    bytesIn: sum("bytesIn"),
    bytesOut: sum("bytesOut"),
  });
  await stores.table.close();
});
