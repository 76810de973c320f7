import { LambdaClient, UpdateFunctionConfigurationCommand, waitUntilFunctionUpdatedV2 } from "@aws-sdk/client-lambda";
import { aws, Lab } from "stratolab";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { thisStack } from "../support/this-stack.ts";
import { longHaul } from "./fixtures/ladder-tasks.ts";

const lambda = new LambdaClient({});
/** Where tasks go that ask for nothing: the function with one vCPU. */
const functions = JSON.parse(thisStack().outputs.Functions) as { name: string; memoryMb: number }[];
const FunctionName = functions.find(({ memoryMb }) => memoryMb === 1_769)?.name;

async function setTimeoutTo(seconds: number): Promise<void> {
  await lambda.send(new UpdateFunctionConfigurationCommand({ FunctionName, Timeout: seconds }));
  await waitUntilFunctionUpdatedV2({ client: lambda, maxWaitTime: 30 }, { FunctionName });
}

describe("a task longer than Lambda's deadline", () => {
  // The real bound is 15 minutes; nothing but the number is different here.
  beforeAll(() => setTimeoutTo(14));
  afterAll(() => setTimeoutTo(900));

  test("goes on on ECS from the state that it saved when it was told", { timeout: 240_000 }, async () => {
    await using lab = new Lab({
      tasks: new URL("./fixtures/ladder-tasks.ts", import.meta.url),
      runner: aws({ ecsIdleMs: 1_000 }),
      progress: false,
    });
    const [outcome] = await lab.start([longHaul({ steps: 26, stepMs: 500, salt: Date.now() })]).settled();
    expect(outcome.attempts.map(({ kind }) => kind)).toEqual(["timeout", "ok"]);
    expect(outcome.kind === "ok" && outcome.value).toEqual({ done: 26, places: ["lambda", "ecs"] });
    expect(outcome.attempts[0].seen).toContain("the longest that the service allows");
    const took = ({ startedAt, endedAt }: { startedAt: number; endedAt: number }) => endedAt - startedAt;
    // It did not begin again: the second attempt had fewer than its steps left.
    expect(took(outcome.attempts[1])).toBeLessThan(26 * 500);
  });
});
