import { runnerConformance } from "stratolab/conformance";
import { describe, test } from "vitest";

describe("conformance of the aws runner", () => {
  // What runs on Lambda cannot be reached from here, and sees this machine's files only on a local AWS.
  for (const { name, run } of runnerConformance({ runner: "aws", storage: "none", cancellable: false })) {
    test(name, run);
  }
});
