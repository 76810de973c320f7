import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { ensureVenv } from "../../localstack/venv.ts";

describe("the Python environment", () => {
  let directory: string;

  beforeEach(async () => {
    directory = await mkdtemp(path.join(tmpdir(), "stratolab-venv-test-"));
    // Nothing but what a test puts there can be found.
    vi.stubEnv("PATH", directory);
  });
  afterEach(async () => {
    vi.unstubAllEnvs();
    await rm(directory, { recursive: true, force: true });
  });

  /** Stands for a Python: each line says what it does for a given first argument. */
  const python = (...cases: readonly string[]) =>
    writeFile(path.join(directory, "python3"), `#!/bin/sh\ncase "$1$2" in\n${cases.join("\n")}\nesac\n`, {
      mode: 0o755,
    });

  it("needs a Python, and says how to get one", async () => {
    await expect(ensureVenv(directory)).rejects.toThrow(
      /needs Python 3.10 or newer \(no python3 was found\).*python3-venv/,
    );
  });

  it("needs one that is new enough", async () => {
    await python("-c*) echo 3 9;;");
    await expect(ensureVenv(directory)).rejects.toThrow(/\(python3 is 3.9\)/);
  });

  it("needs its venv module, says what Python said, and leaves no half environment", async () => {
    await python("-c*) echo 3 11;;", "-mvenv) echo ensurepip is not available; exit 1;;");
    await expect(ensureVenv(directory)).rejects.toThrow(/venv and pip modules[\s\S]*ensurepip is not available/);
    expect(await readdir(directory)).toEqual(["python3"]);
  });
});
