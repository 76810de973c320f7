import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe } from "vitest";
import { cancelSuite } from "./cancel-suite.ts";

describe("on local processes", () => {
  cancelSuite({ runner: "local", storage: mkdtempSync(join(tmpdir(), "cancel-store-")) }, { ecs: false, many: 50 });
});
