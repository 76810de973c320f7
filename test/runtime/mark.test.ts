import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { setImmediate as turnOfTheEventLoop } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { MarkFile, MarkWriter } from "../../runtime/mark.ts";

describe("the mark", () => {
  test("says what is being executed, and nothing in between", async () => {
    const file = new MarkFile(`test-${process.pid}-a`);
    expect(file.read()).toBeUndefined();
    const writer = new MarkWriter(file.fd);
    expect(file.read()).toBeUndefined();
    writer.set(0, 1_763_690_700_123);
    expect(file.read()).toEqual({ task: 0, since: 1_763_690_700_123 });
    writer.set(2 ** 31, 5);
    expect(file.read()).toEqual({ task: 2 ** 31, since: 5 });
    writer.clear();
    writer.set(3, 6);
    await turnOfTheEventLoop();
    expect(file.read()).toEqual({ task: 3, since: 6 });
    writer.clear();
    await turnOfTheEventLoop();
    expect(file.read()).toBeUndefined();
    file.close();
    expect(file.read()).toBeUndefined();
  });

  test("leaves no file behind", () => {
    const name = `test-${process.pid}-b`;
    const file = new MarkFile(name);
    expect(readdirSync(tmpdir()).filter((each) => each.includes(name))).toEqual([]);
    file.close();
  });

  test("is readable after its writer was killed", async () => {
    const file = new MarkFile(`test-${process.pid}-c`);
    const script = fileURLToPath(new URL("fixtures/marking.ts", import.meta.url));
    const child = spawn(process.execPath, ["--import", "tsx", script], {
      stdio: ["ignore", "ignore", "inherit", file.fd],
    });
    const [, signal] = await once(child, "exit");
    expect(signal).toBe("SIGKILL");
    expect(file.read()).toEqual({ task: 42, since: 7 });
    file.close();
  });
});
