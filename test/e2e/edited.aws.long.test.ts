import { describe } from "vitest";
import { editedSuite } from "./edited-suite.ts";

describe("on a deployed stack, without another deploy", () => {
  editedSuite({ runner: "aws" });
});
