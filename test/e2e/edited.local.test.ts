import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe } from "vitest";
import { editedSuite } from "./edited-suite.ts";

const storage = mkdtempSync(join(tmpdir(), "edited-"));
afterAll(() => rmSync(storage, { recursive: true, force: true }));

describe("on local processes", () => {
  editedSuite({ runner: "local", storage });
});
