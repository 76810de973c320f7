import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { timePeers } from "../../bench/peers/peers.ts";

let folder = "";

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "stratolab-peers-"));
  for (const peer of ["RAY", "LABTECH", "LITHOPS"]) vi.stubEnv(`STRATOLAB_${peer}_PYTHON`, join(folder, "none"));
});

afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

/** In place of a Python that has Ray, which is hundreds of megabytes: says that it has it, and then does this. */
function pythonThat(does: string): void {
  const python = join(folder, "python");
  writeFileSync(python, `#!/bin/sh\nif [ "$1" = -c ]; then exit 0; fi\n${does}\n`);
  chmodSync(python, 0o755);
  vi.stubEnv("STRATOLAB_RAY_PYTHON", python);
}

test("a peer that is not installed is named, with what to do", async () => {
  const { figures, missing } = await timePeers("cpu-map");
  expect(figures).toEqual([]);
  expect(missing).toEqual([
    "Ray is not installed: pip install ray numpy in a venv, and STRATOLAB_RAY_PYTHON=its python",
    "Labtech's fork runner is not installed: pip install labtech in a venv, and STRATOLAB_LABTECH_PYTHON=its python",
    "Lithops is not installed: pip install lithops in a venv, and STRATOLAB_LITHOPS_PYTHON=its python",
  ]);
  expect(await timePeers("codec")).toEqual({ figures: [], missing: [] });
});

test("what a peer reports is told with its name, and what else it says is not", async () => {
  pythonThat(`echo "some notice"; echo '{"what": "all", "value": 3, "unit": "ms"}'`);
  const { figures, missing } = await timePeers("tree-1024");
  expect(figures).toEqual([{ peer: "Ray", what: "all", value: 3, unit: "ms" }]);
  expect(missing).toEqual([expect.stringContaining("Labtech's fork runner is not installed")]);
});

test("a peer that fails does not end the benchmark, and says why", async () => {
  pythonThat("echo 'Traceback' >&2; echo 'ValueError: the results are wrong' >&2; exit 1");
  const { figures, missing } = await timePeers("objects");
  expect(figures).toEqual([]);
  expect(missing).toEqual(["Ray failed: ValueError: the results are wrong"]);
});
