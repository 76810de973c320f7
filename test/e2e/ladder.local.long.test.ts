import { mkdtempSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe } from "vitest";
import { ladderSuite } from "./ladder-suite.ts";

const storage = mkdtempSync(join(tmpdir(), "ladder-store-"));

describe("the failure ladder on local processes", () => {
  ladderSuite({
    boundsHeap: false,
    executorsOutliveLabs: false,
    loseResults: () => rm(join(storage, "objects", "results"), { recursive: true, force: true }),
    lab: () => ({ tasks: "", runner: "local", storage, concurrency: 2 }),
  });
});
