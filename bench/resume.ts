import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { bootstrapAndDeploy } from "../localstack/deploy.ts";
import { startLocalAws } from "../localstack/local-aws.ts";
import type { Benchmark, Figure } from "./benchmark.ts";
import { builtFixture } from "./processes.ts";

const TASKS = 200;
const SCRIPT = "resumed-script";
const TASK_MODULE = fileURLToPath(new URL("./fixtures/resumed-tasks.ts", import.meta.url));
const SPREAD = 0.1;

const linesOf = (file: string) => (existsSync(file) ? readFileSync(file, "utf8").split("\n").filter(Boolean) : []);

function start(folder: string, runner: "local" | "aws", mode: "start" | "attach") {
  const child = spawn(process.execPath, [`dist/${SCRIPT}.mjs`, TASK_MODULE, folder, String(TASKS), mode], {
    stdio: ["ignore", "inherit", "inherit"],
    env: { ...process.env, STRATOLAB_RUNNER: runner },
  });
  const ended = new Promise<number | null>((resolve) => child.once("exit", resolve));
  return { child, ended };
}

/** A driver is killed at about half, at a random moment, and another one goes on with the run. */
async function killedAtHalf(runner: "local" | "aws"): Promise<Figure[]> {
  const folder = mkdtempSync(join(tmpdir(), "stratolab-resume-"));
  try {
    const done = join(folder, "done");
    const begun = join(folder, "begun");
    const half = TASKS * (0.5 + SPREAD * (Math.random() * 2 - 1));
    const first = start(folder, runner, "start");
    while (linesOf(done).length < half) await sleep(2);
    first.child.kill("SIGKILL");
    await first.ended;
    const finished = new Set(linesOf(done));
    const before = linesOf(begun).length;
    const second = start(folder, runner, "attach");
    const exitCode = await second.ended;
    if (exitCode !== 0) throw new Error(`the second driver ended with ${exitCode}`);
    const all = linesOf(begun).map((line) => line.split(" "));
    const again = all.slice(before).filter(([id]) => finished.has(id)).length;
    if (new Set(linesOf(done)).size !== TASKS) throw new Error("tasks are missing");
    const figures: Figure[] = [{ what: "finished tasks run again", value: again, unit: "tasks", goal: "0" }];
    if (runner === "aws") {
      // What ran when the driver died runs on, and is taken over: there is no first new task to be timed.
      return [...figures, { what: "tasks begun more than once", value: all.length - TASKS, unit: "tasks", goal: "0" }];
    }
    const [restartedAt] = linesOf(join(folder, "restarted"));
    const [attachingAt] = linesOf(join(folder, "attaching"));
    const firstAt = Number(all[before][1]);
    return [
      ...figures,
      { what: "from lab.attach to the first new task", value: firstAt - Number(attachingAt), unit: "ms" },
      {
        what: "from the restart to the first new task, the start of Node and the script's own included",
        value: firstAt - Number(restartedAt),
        unit: "ms",
        goal: "1,000 ms",
      },
    ];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export const resume: Benchmark = {
  name: "resume",
  workload: `${TASKS} tasks of 100 ms on 2 local executors, the driver killed (SIGKILL) at about half, attached to again`,
  runs: 8,
  async setUp() {
    await builtFixture(SCRIPT);
    return async () => {};
  },
  run: () => killedAtHalf("local"),
};

export const resumeAws: Benchmark = {
  name: "resume-aws",
  workload: `${TASKS} tasks of 100 ms on the local AWS's Lambda, two at a time, the driver killed (SIGKILL) at about half, attached to again`,
  runs: 5,
  async setUp() {
    await builtFixture(SCRIPT);
    const localAws = await startLocalAws({ lambdaConcurrency: 10 });
    try {
      await bootstrapAndDeploy(localAws, { stackName: "Stratolab", context: { emulator: "true" } });
    } catch (error) {
      await localAws.stop();
      throw error;
    }
    Object.assign(process.env, localAws.env);
    return () => localAws.stop();
  },
  run: () => killedAtHalf("aws"),
};
