import { aws, type HeldObject, Lab } from "stratolab";
import { afterAll, describe, expect, it } from "vitest";
import { connectLocalAws } from "../../localstack/faults/control.ts";
import { passing, sized, taker, watching } from "./fixtures/sized-tasks.ts";

const localAws = connectLocalAws();
const namespace = `requests-${Date.now()}`;
const lab = new Lab({
  tasks: new URL("./fixtures/sized-tasks.ts", import.meta.url),
  runner: aws(),
  namespace,
  progress: false,
  concurrency: 4,
});
afterAll(() => lab.close());

const MEGABYTE = 1_000_000;

/** The S3 requests about results, and what S3 was sent and has answered, in bytes. */
async function s3Requests() {
  const { operations, tasks } = await localAws.counts();
  const ofResults = Object.values(tasks).flatMap((counts) => {
    const of = Object.entries(counts).filter(([operation]) => operation.startsWith("s3:"));
    return of.length > 0 ? [Object.fromEntries(of)] : [];
  });
  const { requestBytes = 0 } = operations["s3:PutObject"] ?? {};
  const { answerBytes = 0 } = operations["s3:GetObject"] ?? {};
  return { ofResults, requestBytes, answerBytes };
}

describe.each(["lambda", "ecs"] as const)("results on %s", (service) => {
  const salt = Date.now();

  it("of 1 KB take no request of S3, whoever needs them", async () => {
    await localAws.resetCounts();
    const made = sized({ bytes: 1_000, salt, service });
    const taken = await lab.runTasks([0, 1, 2, 3].map((n) => taker({ made, n, service })));
    expect(taken.map(({ bytes }) => bytes)).toEqual([1_000, 1_000, 1_000, 1_000]);
    expect((await s3Requests()).ofResults).toEqual([]);
  });

  it("of 1 MB take one PUT, and one GET for each executor that needs them and not for each task", async () => {
    await localAws.resetCounts();
    const made = sized({ bytes: MEGABYTE, salt, service });
    const runs = [];
    for (const wave of [0, 10, 20]) {
      runs.push(await lab.runTasks([0, 1, 2, 3].map((n) => taker({ made, n: wave + n, service }))));
    }
    const taken = runs.flat();
    expect(taken.map(({ bytes }) => bytes)).toEqual(Array(12).fill(MEGABYTE));
    const [{ maker }] = taken;
    const fetching = new Set(taken.map(({ process }) => process).filter((process) => process !== maker));
    expect(fetching.size).toBeGreaterThan(0);
    expect(fetching.size).toBeLessThanOrEqual(8);
    const { ofResults, requestBytes, answerBytes } = await s3Requests();
    expect(ofResults).toEqual([{ "s3:PutObject": 1, "s3:GetObject": fetching.size }]);
    // Beside it there are at most the bundle and what the run is made of, and of executors that start their runtime.
    expect(requestBytes).toBeLessThan(1.5 * MEGABYTE);
    expect(answerBytes).toBeGreaterThanOrEqual(fetching.size * MEGABYTE);
    expect(answerBytes).toBeLessThan((fetching.size + 4 * 0.7) * MEGABYTE);
  });
});

it("results for their run only are gone after it, by one request for all of them, beside what they took before", async () => {
  const [salt, service] = [Date.now(), "lambda"] as const;
  await localAws.resetCounts();
  const made = [1, 2, 3].map((n) => passing({ bytes: MEGABYTE, salt: salt + n, service }));
  const takers = made.flatMap((each) => [0, 1].map((n) => taker({ made: each, n, service })));
  const [value, ...taken] = await lab.runTasks([made[0], ...takers]);
  expect(value.value.byteLength).toBe(MEGABYTE);
  expect(taken.map(({ bytes }) => bytes)).toEqual(Array(6).fill(MEGABYTE));
  // Whoever looks back at runs has that waited for which follows their end.
  await lab.runs();
  const { operations } = await localAws.counts();
  expect(operations["s3:DeleteObjects"]?.requests).toBe(1);
  // What was asked for here has been asked for of S3 by this lab, too.
  const { ofResults } = await s3Requests();
  expect(ofResults.map((counts) => [counts["s3:PutObject"], counts["s3:HeadObject"]])).toEqual(
    Array(3).fill([1, undefined]),
  );
  // It looks into what other files have left on this stack, too: so it is asked last.
  const isLeft = (holders: HeldObject["holders"]) => holders.some(({ name }) => name === "passing");
  expect((await lab.objects()).filter(({ holders }) => isLeft(holders))).toEqual([]);
});

it("inputs of the tasks that come next in an invocation are fetched while one runs, each once", async () => {
  const salt = Date.now();
  await using alone = new Lab({
    tasks: new URL("./fixtures/sized-tasks.ts", import.meta.url),
    runner: aws(),
    namespace,
    progress: false,
    concurrency: 1,
  });
  // Made elsewhere: no environment has them.
  const inputs = Array.from({ length: 16 }, (_, n) => sized({ bytes: 100_000, salt: salt + n, service: "ecs" }));
  await lab.runTasks(inputs);
  const watch = (from: number, waitFor: number) =>
    alone.runTasks(inputs.slice(from, from + 8).map((made, n) => watching({ made: made as never, waitFor, n })));
  // Their durations are known then: they share an invocation.
  await watch(0, 0);
  await localAws.resetCounts();
  const asked = await watch(8, 2);
  expect(Math.max(...asked)).toBeGreaterThanOrEqual(2);
  expect(Math.max(...asked)).toBeGreaterThanOrEqual(2);
  const { ofResults } = await s3Requests();
  for (const each of ofResults) expect(each["s3:GetObject"]).toBe(1);
});
