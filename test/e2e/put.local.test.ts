import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { putSuite } from "./put-suite.ts";

const storage = mkdtempSync(join(tmpdir(), "stratolab-put-"));

putSuite("this machine", () => ({ runner: "local", storage }));
putSuite("the calling process", () => ({ runner: "inline", storage }));
