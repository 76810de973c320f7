// Runs the digits sweep in a folder of its own, with two retries: one task throws in its first attempt, and one
// executor is killed while it works.
//   node scripts/sweep-with-mishaps.mjs --folder FOLDER
// Results and the run's record are in FOLDER/.stratolab; the exit code is 1 if it came to other than two retries.
import { execFileSync, spawn } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { parseArgs } from "node:util";

const RETRIES = 2;
/** From the first executor on, in milliseconds: by then models are being trained. */
const KILL_AFTER_MS = 6_000;
/** What is changed in the sweep's tasks. */
const WHOLE = `run: ({ samples, fold, division }: { samples: Samples; fold: number; division: Division }) =>
    divide(samples, fold, division),`;
const THROWING = `runnerOptions: { retryOn: true },
  run: ({ samples, fold, division }: { samples: Samples; fold: number; division: Division }, ctx) => {
    if (fold === 1 && ctx.attempt === 1) throw new Error("thrown once, for the picture");
    return divide(samples, fold, division);
  },`;

const { values } = parseArgs({ options: { folder: { type: "string" } } });
if (!values.folder) {
  console.error("usage: sweep-with-mishaps --folder FOLDER");
  process.exit(1);
}
const folder = resolve(values.folder);
rmSync(join(folder, ".stratolab"), { recursive: true, force: true });
mkdirSync(folder, { recursive: true });
// Below the package, so that "stratolab" and the models' packages are found; git ignores it.
mkdirSync("examples/out", { recursive: true });
const copy = mkdtempSync(resolve("examples/out/mishaps-"));

function copySweep() {
  cpSync("examples/command-line.ts", join(copy, "command-line.ts"));
  cpSync("examples/table.ts", join(copy, "table.ts"));
  cpSync("examples/digits-sweep", join(copy, "digits-sweep"), { recursive: true });
  const tasks = join(copy, "digits-sweep/tasks.ts");
  const text = readFileSync(tasks, "utf8");
  if (!text.includes(WHOLE))
    throw new Error("makeFold of examples/digits-sweep/tasks.ts is not what this script knows");
  writeFileSync(tasks, text.replace(WHOLE, THROWING));
}

/** The process that executes tasks for the sweep, the oldest of them. */
function executorOf(pid) {
  const isExecutor = (name) => {
    try {
      const parent = readFileSync(`/proc/${name}/stat`, "utf8").split(") ")[1].split(" ")[1];
      return Number(parent) === pid && readFileSync(`/proc/${name}/cmdline`, "utf8").includes("runtime/local");
    } catch {
      return false;
    }
  };
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name) && isExecutor(name));
  return pids.map(Number).sort((a, b) => a - b)[0];
}

async function killOne(pid, isOver) {
  while (executorOf(pid) === undefined && !isOver()) await pause(50);
  await pause(KILL_AFTER_MS);
  const executor = executorOf(pid);
  if (executor !== undefined && !isOver()) process.kill(executor, "SIGKILL");
}

try {
  copySweep();
  const script = [join(copy, "digits-sweep/main.ts"), "--out", join(folder, "out")];
  const child = spawn(process.execPath, ["--import", import.meta.resolve("tsx"), ...script], {
    cwd: folder,
    stdio: "inherit",
    env: { ...process.env, STRATOLAB_RUNNER: "", STRATOLAB_STACK: "" },
  });
  const ended = new Promise((done) => child.on("close", done));
  await Promise.all([ended, killOne(child.pid, () => child.exitCode !== null)]);
  const summary = execFileSync(process.execPath, [resolve("dist/cli/main.js"), "summary", "sweep", "--json"], {
    cwd: folder,
  });
  const retries = JSON.parse(String(summary)).types.reduce((sum, { retried }) => sum + retried, 0);
  if (retries !== RETRIES) console.error(`the run had ${retries} retries instead of ${RETRIES}: once more, please`);
  process.exitCode = child.exitCode === 0 && retries === RETRIES ? 0 : 1;
} finally {
  rmSync(copy, { recursive: true, force: true });
}
