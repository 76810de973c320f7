import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test, vi } from "vitest";
import { buildBundle } from "../../sdk/bundle/bundle.ts";
import { writeBundle } from "../../sdk/runners/local/bundle-file.ts";
import { probeBundle } from "../../sdk/runners/local/probe.ts";

const folder = mkdtempSync(join(tmpdir(), "stratolab-probe-"));

afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

async function mortalBundle(deaths: number) {
  vi.stubEnv("MORTAL_FILE", join(folder, `loads-${deaths}`));
  vi.stubEnv("MORTAL_DEATHS", String(deaths));
  const bundle = await buildBundle(new URL("./fixtures/mortal-tasks.ts", import.meta.url));
  const path = await writeBundle(join(folder, "bundles"), bundle);
  return () => probeBundle(path, bundle, { kind: "local", directory: join(folder, "storage") });
}

test("labs of one process that look at the same task module at once do not end each other's look", async () => {
  const probe = await mortalBundle(0);
  const seen = await Promise.all(Array.from({ length: 4 }, probe));
  for (const tasks of seen) expect(tasks.map(([name]) => name)).toEqual(["survived"]);
});

test("a task module that ends the process it is loaded in is an error, and nothing waits for that process", async () => {
  const probe = await mortalBundle(99);
  await expect(probe()).rejects.toMatchObject({
    kind: "start-failed",
    message: expect.stringMatching(/ended while it loaded the task module: .*SIGKILL/s),
  });
});
