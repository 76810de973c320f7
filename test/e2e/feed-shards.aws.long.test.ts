import { setTimeout as sleep } from "node:timers/promises";
import { aws, Lab } from "stratolab";
import { describe, expect, test } from "vitest";
import { runScript } from "../support/scripts.ts";
import { ShardedPlace as Place, told } from "./sharded-place.ts";

/** Those on Lambda begin first, and are not done when those in containers have begun. */
const LINES = 14;
const PAUSE_MS = 600;

// They wait more than they work.
describe.concurrent("executors of a driver that is killed tell what happens", () => {
  test("in several, which the next driver reads when theirs is killed", async () => {
    using place = new Place();
    const { folder, namespace } = place;
    const script = runScript("e2e/fixtures/sharded-script.ts", [folder, namespace, `${LINES}`, `${PAUSE_MS}`]);
    const id = new Promise<string>((resolve) => {
      script.child.stdout?.once("data", (text) => resolve(String(text).trim()));
    });
    await place.all("begun");
    // What is in flight is written down once a second.
    await sleep(1_500);
    script.child.kill("SIGKILL");
    await script.ended;
    await using lab = new Lab({ runner: aws(), namespace, progress: false });
    await (await lab.attach(await id)).results();
    expect(place.lines("begun")).toHaveLength(4);
    expect(await place.log(lab, await id)).toEqual(told(LINES));
  });

  test("in several, from which lines come that were told while nobody drove the run", async () => {
    using place = new Place();
    const { folder, namespace } = place;
    const script = runScript("e2e/fixtures/sharded-script.ts", [folder, namespace, `${LINES}`, `${PAUSE_MS}`]);
    const id = new Promise<string>((resolve) => {
      script.child.stdout?.once("data", (text) => resolve(String(text).trim()));
    });
    await place.all("begun");
    await sleep(1_500);
    script.child.kill("SIGKILL");
    await script.ended;
    await place.all("done");
    // What they have said last is told behind their results.
    await sleep(3_000);
    await using lab = new Lab({ runner: aws(), namespace, progress: false });
    await (await lab.attach(await id)).results();
    expect(place.lines("begun")).toHaveLength(4);
    expect(await place.log(lab, await id)).toEqual(told(LINES));
  });
});
