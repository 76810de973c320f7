import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Lab, type LabOptions, RunError, RuntimeEnvSetupError } from "stratolab";
import { expect, test } from "vitest";
import { nativePackageFolder } from "../support/native-package.ts";
import { gone, parent, reveal, stuck } from "./fixtures/env-tasks.ts";
import { loadNative } from "./fixtures/native-tasks.ts";

const storage = mkdtempSync(join(tmpdir(), "env-store-"));
const packages = nativePackageFolder();

const envLab = (options: Partial<LabOptions> = {}) =>
  new Lab({
    tasks: new URL("./fixtures/env-tasks.ts", import.meta.url),
    runner: "local",
    concurrency: 1,
    storage,
    progress: false,
    ...options,
  });

test.each(["local", "inline"] as const)(
  "on %s, compiled code comes from the environment's packages",
  async (runner) => {
    const tasks = new URL("./fixtures/native-tasks.ts", import.meta.url);
    await using lab = envLab({ tasks, runner, namespace: runner, runtimeEnv: { packages } });
    const { isFunction, loaded } = await lab.runTask(loadNative({ salt: 1 }));
    expect(isFunction).toBe(true);
    expect(loaded.join()).toMatch(/runtime-envs\/packages-[0-9a-f]{16}\/node_modules\/@msgpackr-extract\//);
  },
);

test("a set-up that never ends is ended, and one that takes its process along is known as such", async () => {
  await using lab = envLab({ concurrency: 2 });
  const error = await lab.runTasks([stuck({ salt: 1 }), gone({ salt: 1 })]).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(RunError);
  const [first, second] = (error as RunError).failures;
  expect([first, second]).toEqual([expect.any(RuntimeEnvSetupError), expect.any(RuntimeEnvSetupError)]);
  expect(first.message).toMatch(/longer than its setupTimeoutMs of 1500/);
  expect(first.logTail).toContain("waiting for a licence");
  expect(second.message).toMatch(/ended while it set its runtime environment up: exit code 3/);
  expect(second.logTail).toContain("leaving");
});

test("a set-up that never ends tells inline, too, what it said", async () => {
  await using lab = envLab({ runner: "inline", namespace: "inline-hang" });
  const error = (await lab.runTask(stuck({ salt: 6 })).catch((reason: unknown) => reason)) as RunError;
  expect(error.failures[0]).toBeInstanceOf(RuntimeEnvSetupError);
  expect(error.failures[0].logTail).toContain("waiting for a licence");
});

test("tasks that tasks run have their own, under the keys that the lab would give them", async () => {
  await using lab = envLab({ concurrency: 2, runtimeEnv: { setup: "noop" } });
  expect(await lab.runTask(parent({ salt: 2 }))).toBe("child");
  expect((await lab.cachedTasks()).map(String).sort()).toEqual(["furnishedChild({ salt: 2 })", "parent({ salt: 2 })"]);
});

test("a run that another lab goes on with has the environments that it was begun with", async () => {
  const first = envLab({ namespace: "handed", runtimeEnv: { env: { WORD: "kept" } } });
  const run = await first.submit([reveal({ names: ["WORD"], salt: 3 })]);
  expect(await run.results()).toEqual([["kept"]]);
  await first.close();
});

test("what is wrong with an environment is told before anything runs, and only to those who have it", async () => {
  await using lab = envLab({ runtimeEnv: { workingDir: join(storage, "nowhere") } });
  await expect(lab.runTask(reveal({ names: [], salt: 4 }))).rejects.toThrow(/workingDir: there is no folder .*nowhere/);
  await expect(lab.runTask(reveal({ names: [], salt: 4 }))).rejects.toBeInstanceOf(RuntimeEnvSetupError);
  await using other = envLab({ runner: "inline", concurrency: 2, runtimeEnv: { env: { A: "1" } } });
  await expect(other.runTask(reveal({ names: [], salt: 5 }))).rejects.toThrow(/inline.*concurrency 1/);
});
