import { aws, Lab } from "stratolab";
import { describe, expect, test } from "vitest";
import { connectLocalAws } from "../../localstack/faults/control.ts";
import { made, used } from "./fixtures/moved-tasks.ts";

const localAws = connectLocalAws();
const tasks = new URL("./fixtures/moved-tasks.ts", import.meta.url);
const noise = (bytes: number) => Uint8Array.from({ length: bytes }, () => Math.random() * 256);

/** Requests of executors to S3 while something is done. */
async function objectRequests(act: () => Promise<unknown>) {
  await localAws.resetCounts();
  await act();
  const { operations } = await localAws.counts();
  const of = (name: string) => operations[`s3:${name}`]?.fromExecutors ?? 0;
  // The driver's own, too: the record of the run.
  const putBytes = operations["s3:PutObject"]?.requestBytes ?? 0;
  return { puts: of("PutObject"), gets: of("GetObject"), putBytes };
}

describe("data moves once", () => {
  test("a result of 1 KB costs no request to S3, one of 1 MB one PUT, and a GET for each executor that needs it", async () => {
    await using lab = new Lab({ tasks, runner: aws(), progress: false, concurrency: 2 });
    const salt = Date.now();
    // Executors fetch the code first.
    await lab.runTasks([used({ values: noise(8), index: 0 }), used({ values: noise(8), index: 1 })]);

    const dependents = (bytes: number) =>
      Array.from({ length: 8 }, (_, index) => used({ values: made({ bytes, salt }), index }));
    const small = await objectRequests(() => lab.runTasks(dependents(1_000)));
    expect(small).toMatchObject({ puts: 0, gets: 0 });
    expect(small.putBytes).toBeLessThan(50_000);

    let executors = 0;
    const large = await objectRequests(async () => {
      const results = await lab.runTasks(dependents(1_000_000));
      expect(results.every(({ length }) => length === 1_000_000)).toBe(true);
      executors = new Set(results.map(({ pid }) => pid)).size;
    });
    expect(large.puts).toBe(1);
    expect(large.putBytes - 1_000_000).toBeLessThan(50_000);
    // One for each executor, but for the one that made it where that uses it, too.
    expect(large.gets).toBeGreaterThanOrEqual(executors - 1);
    expect(large.gets).toBeLessThanOrEqual(executors);
    expect(executors).toBeLessThan(8);
  });

  test("the context is put once, and loaded once by each executor", async () => {
    const context = noise(1_000_000);
    await using lab = new Lab({ tasks, runner: aws(), progress: false, concurrency: 2, context });
    let executors = 0;
    await localAws.resetCounts();
    const results = await lab.runTasks(Array.from({ length: 8 }, (_, index) => used({ values: noise(8), index })));
    executors = new Set(results.map(({ pid }) => pid)).size;
    expect(results.every((each) => each.context === 1_000_000)).toBe(true);
    const { operations } = await localAws.counts();
    const gets = operations["s3:GetObject"]?.fromExecutors ?? 0;
    // Besides the context each executor may have to fetch the code.
    expect(gets).toBeLessThanOrEqual(2 * executors);
    expect(executors).toBeLessThan(8);
  });
});
