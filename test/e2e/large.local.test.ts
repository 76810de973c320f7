import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe } from "vitest";
import { describeLargeResults } from "./large-suite.ts";

const storage = mkdtempSync(join(tmpdir(), "stratolab-large-"));
afterAll(() => rmSync(storage, { recursive: true, force: true }));

// Executors inherit it.
process.env.STRATOLAB_TEST = storage;

describe("large results on local processes", () =>
  describeLargeResults({ runner: "local", storage, concurrency: 2 }, () => `STRATOLAB_TEST=${storage}`, true));
