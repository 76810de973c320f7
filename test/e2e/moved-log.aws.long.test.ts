import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { aws, Lab } from "stratolab";
import { describe, expect, test } from "vitest";
import { eventually, runScript } from "../support/scripts.ts";
import { recite } from "./fixtures/reciting-tasks.ts";

const LINES = 8;
const PAUSE_MS = 600;
const told = (executor: string) => Array.from({ length: LINES }, (_, index) => `${executor} ${index + 1}`);
const EVERYTHING = [...told("ecs"), ...told("lambda")].sort();

/** A folder in which tasks leave lines that the library has no part in counting; its name is the namespace, too. */
class Place implements Disposable {
  readonly folder = mkdtempSync(join(tmpdir(), "stratolab-log-"));
  readonly namespace = this.folder.replace(/\W/g, "");

  async both(file: "begun" | "done"): Promise<void> {
    const path = join(this.folder, file);
    const count = () => (existsSync(path) ? readFileSync(path, "utf8").split("\n").length - 1 : 0);
    await eventually(() => count() >= 2, 60_000, `${file} of both`);
  }

  /** What the log of a run holds for somebody who attaches to it. */
  async log(id: string): Promise<string[]> {
    await using lab = new Lab({ runner: aws(), namespace: this.namespace, progress: false });
    await (await lab.attach(id)).results();
    const lines: string[] = [];
    for await (const { text } of lab.logs(id, { task: "recite" })) lines.push(text);
    return lines.sort();
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true });
  }
}

// They wait more than they work.
describe.concurrent("the log of a run that changes hands has every line once", () => {
  test("when it is detached", async () => {
    using place = new Place();
    const { folder, namespace } = place;
    const tasks = new URL("./fixtures/reciting-tasks.ts", import.meta.url);
    const lab = new Lab({ tasks, runner: aws(), namespace, progress: false });
    const how = { lines: LINES, pauseMs: PAUSE_MS, folder };
    const run = lab.start([recite({ executor: "lambda", ...how }), recite({ executor: "ecs", ...how })]);
    await place.both("begun");
    await run.detach();
    await lab.close();
    expect(await place.log(run.id)).toEqual(EVERYTHING);
  });

  test("when its driver is killed, and its tasks end while nobody drives it", async () => {
    using place = new Place();
    const { folder, namespace } = place;
    const script = runScript("e2e/fixtures/reciting-script.ts", [folder, namespace, `${LINES}`, `${PAUSE_MS}`]);
    const id = new Promise<string>((resolve) => {
      script.child.stdout?.once("data", (text) => resolve(String(text).trim()));
    });
    await place.both("begun");
    // What is in flight is written down once a second.
    await sleep(1_500);
    script.child.kill("SIGKILL");
    await script.ended;
    await place.both("done");
    // What they have said last is told behind their results.
    await sleep(3_000);
    expect(await place.log(await id)).toEqual(EVERYTHING);
  });
});
