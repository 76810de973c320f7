import { aws } from "stratolab";
import { afterAll, beforeAll, describe, test } from "vitest";
import { bootstrapAndDeploy } from "../../localstack/deploy.ts";
import { type LocalAws, startLocalAws } from "../../localstack/local-aws.ts";
import { tasksOf } from "../support/tasks-of.ts";
import { cancelAll } from "./cancel-suite.ts";
import { sleeper, sleeperOnEcs } from "./fixtures/stubborn-tasks.ts";

describe("on an account that allows many executions at once", () => {
  let localAws: LocalAws | undefined;

  beforeAll(async () => {
    localAws = await startLocalAws({ lambdaConcurrency: 60, tasksOf });
    await bootstrapAndDeploy(localAws, { stackName: "Stratolab", context: { emulator: "true" } });
    Object.assign(process.env, localAws.env);
  });
  afterAll(() => localAws?.stop());

  const many = { timeout: 240_000 };

  test("a cancelled run ends fifty tasks on Lambda that ignore the signal", many, () =>
    cancelAll({ runner: aws({}) }, Array(50).fill(sleeper)),
  );

  test("a cancelled run ends fifty tasks on Lambda and ECS that ignore the signal", many, () =>
    cancelAll({ runner: aws({ ecsIdleMs: 1_000 }) }, [...Array(35).fill(sleeper), ...Array(15).fill(sleeperOnEcs)]),
  );
});
