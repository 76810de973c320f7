import { mkdtempSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { Lab } from "stratolab";
import { expect, test, vi } from "vitest";
import { readHistory } from "../../sdk/history/run-history.ts";
import { taskHistories } from "../../sdk/history/task-history.ts";
import { openLocalStores } from "../../sdk/stores/local/open.ts";
import { eventually, isAlive, processesWith, runScript } from "../support/scripts.ts";
import { countOf, linesOf, newFile } from "./nested-suite.ts";

test("a lab that is killed while a task waits for others: nothing runs on, and the next goes on", async () => {
  const file = newFile();
  const storage = mkdtempSync(join(tmpdir(), "nested-durable-"));
  const namespace = "durable";
  const script = runScript("e2e/fixtures/nested-script.ts", ["local", storage, namespace, file, "3000"], {
    MARK: dirname(file),
  });
  const id = await new Promise<string>((resolve, reject) => {
    script.child.stdout?.once("data", (text) => resolve(String(text).trim()));
    void script.ended.then(({ stderr }) => reject(new Error(stderr)));
  });
  const stores = await openLocalStores(storage);
  const standing = async () => {
    const { plan, events } = await readHistory(stores, namespace, id);
    return taskHistories(plan, events).map(({ name, status, parent }) => [name, status, parent]);
  };
  // What a task runs is told while it goes on, below that task.
  await vi.waitFor(
    async () =>
      expect(await standing()).toEqual([
        ["nested.persistent", "running", undefined],
        ["nested.losing", "failed", 0],
        ["nested.slow", "done", 0],
        ["nested.slow", "running", 0],
      ]),
    { timeout: 20_000, interval: 50 },
  );
  script.child.kill("SIGKILL");
  await script.ended;
  await eventually(() => !processesWith(dirname(file)).some(isAlive), 10_000, "the end of all executors");

  const events: string[] = [];
  const onlooker = () =>
    new Lab({
      runner: "local",
      storage,
      namespace,
      progress: (event) => void (event.type === "log" && events.push(event.text)),
    });
  const lab = onlooker();
  const kinds = ["user-error", "ok", "ok"];
  expect(await (await lab.attach("persistent")).results()).toEqual([kinds]);
  // Nothing that had ended was run again, though results stored before do not count and failures are not cached.
  expect(["parent", "losing", "slow"].map((word) => countOf(file, word))).toEqual([2, 1, 3]);
  expect(linesOf(file).filter(([word, child]) => word === "slow" && child === "1")).toHaveLength(1);
  await lab.close();

  expect(await standing()).toEqual([
    ["nested.persistent", "done", undefined],
    ["nested.losing", "failed", 0],
    ["nested.slow", "done", 0],
    ["nested.slow", "done", 0],
  ]);
  // Whoever follows it later hears what its tasks have run.
  const later = onlooker();
  expect(await (await later.attach(id)).results()).toEqual([kinds]);
  expect(events).toContain("losing");
  const lines = [];
  for await (const line of later.logs(id, { task: "nested.losing" })) lines.push(line);
  expect(lines).toMatchObject([
    { text: "losing", parent: { position: 0, name: "nested.persistent" } },
    { level: "error", attempt: 1 },
  ]);
  await later.close();
  await stores.table.close();
  await rm(storage, { recursive: true });
});
