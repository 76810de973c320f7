import { describe } from "vitest";
import { thisStack } from "../support/this-stack.ts";
import { describeLargeResults } from "./large-suite.ts";

describe("large results on Lambda", () => describeLargeResults({ runner: "aws" }, () => thisStack().owner, false));
