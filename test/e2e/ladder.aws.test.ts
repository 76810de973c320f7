import { aws } from "stratolab";
import { describe } from "vitest";
import { ladderSuite } from "./ladder-suite.ts";

describe("the failure ladder on a deployed stack", () => {
  ladderSuite({ boundsHeap: true, lab: () => ({ tasks: "", runner: aws({ ecsIdleMs: 3_000 }) }) });
});
