import { join } from "node:path";
import { expect, test, vi } from "vitest";
import { readHistory } from "../../sdk/history/run-history.ts";
import { taskHistories } from "../../sdk/history/task-history.ts";
import { runScript } from "../support/scripts.ts";
import { firstLine, openStores, Place } from "./durable-place.ts";
import { countOf } from "./nested-suite.ts";

test("a task that waits for others is made again by the next driver, and what it runs is neither doubled nor tried again", {
  timeout: 240_000,
}, async () => {
  await using place = new Place();
  const file = join(place.folder, "lines");
  const args = ["aws", "", place.namespace, file, "32000"];
  const script = runScript("e2e/fixtures/nested-script.ts", args, { MARK: place.folder });
  const id = await firstLine(script);
  const { objects, table } = await openStores();
  const waiting = ["failed", "done", "running"];
  await vi.waitFor(
    async () => {
      const { plan, events } = await readHistory({ objects, table }, place.namespace, id);
      // The one that waits is suspended after five seconds.
      expect(
        taskHistories(plan, events)
          .map(({ status }) => status)
          .slice(1),
      ).toEqual(waiting);
    },
    { timeout: 60_000, interval: 300 },
  );
  // What is in flight is written down once a second.
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  script.child.kill("SIGKILL");
  await script.ended;
  expect(await (await place.onlooker().attach(id)).results()).toEqual([["user-error", "ok", "ok"]]);
  expect(["losing", "slow", "done"].map((word) => countOf(file, word))).toEqual([1, 2, 2]);
  await table.close();
});
