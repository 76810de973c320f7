import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Writable } from "node:stream";
import { Bill } from "../sdk/driver/bill.ts";
import { Chronicler } from "../sdk/driver/chronicler.ts";
import { ProgressTeller } from "../sdk/driver/progress-teller.ts";
import { Lab } from "../sdk/lab.ts";
import { barProgress } from "../sdk/progress/bars.ts";
import { task } from "../sdk/task.ts";
import type { Benchmark, Figure } from "./benchmark.ts";

/** The fixture's, for a lab from the sources: what tells of runs can be silenced there only. */
const noop = task({ name: "noop", run: ({ i }: { i: number }) => i });

const TASKS = 10_000;
const EXECUTORS = 2;
/** Forth and back, so that what warms up or slows down counts for both. */
const ORDER = ["off", "on", "on", "off", "off", "on", "on", "off"] as const;

type Mode = (typeof ORDER)[number];

/** What tells of a run, and writes it down. There is no option for it: it is always on. */
const TELLERS = [Chronicler, ProgressTeller, Bill] as const;

/** Silences all that tells of a run. @returns what gives it its voice back. */
function silence(): () => void {
  const restore: (() => void)[] = [];
  for (const { prototype } of TELLERS) {
    for (const name of Object.getOwnPropertyNames(prototype)) {
      const method = Object.getOwnPropertyDescriptor(prototype, name);
      if (name === "constructor" || typeof method?.value !== "function") continue;
      const isAwaited = prototype === Chronicler.prototype && (name === "end" || name === "written");
      Object.defineProperty(prototype, name, { ...method, value: isAwaited ? async () => {} : () => 0 });
      restore.push(() => Object.defineProperty(prototype, name, method));
    }
  }
  return () => {
    for (const each of restore) each();
  };
}

/** A terminal that nobody looks at. */
const terminal = () =>
  Object.assign(new Writable({ write: (_piece, _encoding, done) => done() }), { isTTY: true, columns: 100, rows: 30 });

/** What it costs to see: bars, the chronicle and the bill, by tasks that do nothing else. */
export const overhead: Benchmark = {
  name: "overhead",
  workload: `${TASKS.toLocaleString("en")} no-op tasks on ${EXECUTORS} local executors, ${ORDER.length} times in one lab: with bars, chronicle and bill, and without`,
  runs: 3,
  async run(): Promise<Figure[]> {
    const folder = await mkdtemp(join(tmpdir(), "stratolab-bench-"));
    const draw = barProgress(terminal() as never);
    let mode: Mode = "off";
    const lab = new Lab({
      tasks: new URL("./fixtures/noop-tasks.ts", import.meta.url),
      storage: folder,
      concurrency: EXECUTORS,
      progress: (event) => {
        if (mode === "on") draw(event);
      },
    });
    const seconds = { off: 0, on: 0 };
    const cpuSeconds = { off: 0, on: 0 };
    try {
      let next = 0;
      const batch = (size: number) => Array.from({ length: size }, () => noop({ i: next++ }));
      // Until the code is compiled and the executors are warm.
      await lab.runTasks(batch(TASKS));
      for (mode of ORDER) {
        const tasks = batch(TASKS);
        const restore = mode === "off" ? silence() : () => {};
        try {
          const start = performance.now();
          const cpu = process.cpuUsage();
          await lab.runTasks(tasks);
          seconds[mode] += (performance.now() - start) / 1000;
          const { user, system } = process.cpuUsage(cpu);
          cpuSeconds[mode] += (user + system) / 1e6;
        } finally {
          restore();
        }
      }
    } finally {
      await lab.close();
      await rm(folder, { recursive: true, force: true });
    }
    const throughput = (of: Mode) => ((ORDER.length / 2) * TASKS) / seconds[of];
    return [
      {
        what: "throughput with all that tells of a run",
        value: throughput("on"),
        unit: "tasks/s",
        against: { what: "the same without", value: throughput("off") },
        goal: "at least 0.9",
      },
      {
        // Hardly touched by what else the machine is doing.
        what: "the driver's own CPU time for it",
        value: cpuSeconds.on,
        unit: "s",
        against: { what: "the same without", value: cpuSeconds.off },
      },
    ];
  },
};
