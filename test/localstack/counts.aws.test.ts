import { aws, Lab } from "stratolab";
import { afterAll, describe, expect, it } from "vitest";
import { connectLocalAws } from "../../localstack/faults/control.ts";
import { byMemory } from "../e2e/fixtures/routed-tasks.ts";

const localAws = connectLocalAws();
const lab = new Lab({
  tasks: new URL("../e2e/fixtures/routed-tasks.ts", import.meta.url),
  runner: aws(),
  progress: false,
});
afterAll(() => lab.close());

describe("the requests of a run on the deployed stack", () => {
  it("are counted by operation, by task, and by who asks", async () => {
    await localAws.resetCounts();
    const salt = Date.now();
    await lab.runTasks(Array.from({ length: 5 }, (_, n) => byMemory({ memoryMb: 300, salt: salt + n })));
    const { operations, tasks } = await localAws.counts();
    expect(operations["lambda:Invoke"]).toMatchObject({ fromExecutors: 0, failed: 0, faults: {} });
    expect(operations["lambda:Invoke"]!.requests).toBeLessThanOrEqual(5);
    const byTask = Object.values(tasks);
    expect(byTask).toHaveLength(5);
    for (const counts of byTask) expect(counts).toMatchObject({ "lambda:Invoke": 1 });
    // Executors store results, and are seen to.
    expect(Object.values(operations).some(({ fromExecutors }) => fromExecutors > 0)).toBe(true);
  });

  it("get through what goes wrong on the way", async () => {
    await localAws.resetCounts();
    await using faults = await localAws.faults.set({
      seed: 5,
      rules: [
        { fault: "throttle", operation: "lambda:Invoke", nth: [1, 2] },
        { fault: "throttle", operation: "dynamodb:*", from: "executors", rate: 0.1 },
        { fault: "duplicate", operation: "lambda:Invoke", nth: 3 },
        { fault: "latency", operation: "s3:*", delayMs: 20 },
      ],
    });
    const salt = Date.now();
    const results = await lab.runTasks(
      Array.from({ length: 10 }, (_, n) => byMemory({ memoryMb: 300, salt: salt + n })),
    );
    expect(results.map(({ service }) => service)).toEqual(Array(10).fill("lambda"));
    const { rules } = await faults.state();
    expect(rules.find(({ id }) => id === "throttle-1")).toMatchObject({ hits: 2 });
  });
});
