import { mkdtempSync, readFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Lab } from "stratolab";
import { afterEach, expect, test, vi } from "vitest";
import { survived } from "./fixtures/mortal-tasks.ts";

const folder = mkdtempSync(join(tmpdir(), "stratolab-mortal-"));

afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true, force: true });
});

/** A lab whose first executors die while they load the task module. */
function mortalLab(deaths: number) {
  vi.stubEnv("MORTAL_FILE", join(folder, `loads-${deaths}`));
  vi.stubEnv("MORTAL_DEATHS", String(deaths));
  const tasks = new URL("./fixtures/mortal-tasks.ts", import.meta.url);
  return new Lab({ tasks, storage: join(folder, "storage"), concurrency: 1, progress: false });
}

const loads = (deaths: number) => readFileSync(join(folder, `loads-${deaths}`), "utf8").length;

test("an executor that is killed while it loads the task module is started again; three in a row are an error", async () => {
  const lab = mortalLab(2);
  expect(await lab.runTask(survived({ id: 1 }))).toBe(1);
  await lab.close();
  expect(loads(2)).toBe(3);

  const doomed = mortalLab(99);
  await expect(doomed.runTask(survived({ id: 2 }))).rejects.toMatchObject({
    kind: "start-failed",
    message: expect.stringMatching(/ended while it loaded the task module: .*SIGKILL.*3 times in a row/s),
  });
  await doomed.close();
  expect(loads(99)).toBe(3);
});
