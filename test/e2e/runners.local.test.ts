import { runnerConformance } from "stratolab/conformance";
import { describe, test } from "vitest";

describe("conformance of the local runner", () => {
  for (const { name, run } of runnerConformance({ runner: "local" })) test(name, run);
});

describe("conformance of the inline runner", () => {
  for (const { name, run } of runnerConformance({ runner: "inline", isolated: false })) test(name, run);
});
