import { describe, inject } from "vitest";
import { describeLargeResults } from "./large-suite.ts";

describe("large results on Lambda", () =>
  describeLargeResults({ runner: "aws" }, () => inject("localAwsOwner"), false));
