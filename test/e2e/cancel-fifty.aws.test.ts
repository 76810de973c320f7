import { aws } from "stratolab";
import { test } from "vitest";
import { cancelAll } from "./cancel-suite.ts";
import { sleeper, sleeperOnEcs } from "./fixtures/stubborn-tasks.ts";

// A new account has ten executions of Lambda at once; the others are containers.
const fifty = [...Array(10).fill(sleeper), ...Array(40).fill(sleeperOnEcs)];

test(
  "fifty tasks on Lambda and ECS that sleep and ignore the signal end when they are cancelled",
  () => cancelAll({ runner: aws({ ecsIdleMs: 1_000 }) }, fifty),
  170_000,
);
