import { aws } from "stratolab";
import { describe } from "vitest";
import { cancelSuite } from "./cancel-suite.ts";

describe("on a deployed stack", () => {
  // Ten executions at once are what the account allows.
  cancelSuite({ runner: aws({ ecsIdleMs: 1_000 }) }, { ecs: true, many: 10 });
});
