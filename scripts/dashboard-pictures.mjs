// Takes pictures of the dashboard with a real run in it, light and dark: node scripts/dashboard-pictures.mjs
// The run is the small digits sweep, in a store of its own, in which executors are killed: two retries.
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { chromium } from "playwright-core";

const CHROMIUM = "/usr/bin/chromium";
const RETRIES = 2;
if (!existsSync(CHROMIUM)) {
  console.error(`there is no ${CHROMIUM}: apt-get install chromium`);
  process.exit(1);
}
const folder = mkdtempSync(join(tmpdir(), "stratolab-pictures-"));
const tsx = import.meta.resolve("tsx");
const main = resolve("examples/digits-sweep/main.ts");
const env = { ...process.env, STRATOLAB_RUNNER: "", STRATOLAB_STACK: "" };

/** Processes below the sweep that execute tasks: its children that are Node. */
const executorsOf = (pid) =>
  readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => {
      try {
        const parent = readFileSync(`/proc/${name}/stat`, "utf8").split(") ")[1].split(" ")[1];
        return Number(parent) === pid && readFileSync(`/proc/${name}/cmdline`, "utf8").includes("runtime/local");
      } catch {
        return false;
      }
    })
    .map(Number);

const pause = (ms) => new Promise((done) => setTimeout(done, ms));

/** Runs the sweep, and kills executors until two of them had something to do. */
async function sweep() {
  const args = ["--import", tsx, main, "--quick", "--out", join(folder, "out")];
  const child = spawn(process.execPath, args, { cwd: folder, env, stdio: ["ignore", "ignore", "pipe"] });
  const ended = new Promise((done) => child.on("close", done));
  let retries = 0;
  child.stderr.on("data", (piece) => {
    process.stderr.write(piece);
    retries += String(piece).match(/^retry /gm)?.length ?? 0;
  });
  while (retries < RETRIES && child.exitCode === null) {
    await pause(1_200);
    // Another one each time, so that no task loses all of its attempts.
    const executor = executorsOf(child.pid).sort((a, b) => a - b)[0];
    if (executor !== undefined && retries < RETRIES) process.kill(executor, "SIGKILL");
  }
  if ((await ended) !== 0) throw new Error("the sweep failed");
}

async function takePictures() {
  const args = ["dist/cli/main.js", "dashboard", "--storage", join(folder, ".stratolab"), "--no-open", "--json"];
  const server = spawn(process.execPath, args, { env, stdio: ["ignore", "pipe", "inherit"] });
  const [line] = await new Promise((done) => server.stdout.once("data", (...data) => done(data)));
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox", "--disable-gpu"] });
  try {
    for (const colorScheme of ["light", "dark"]) {
      const page = await browser.newPage({ colorScheme, viewport: { width: 1280, height: 860 } });
      await page.goto(JSON.parse(String(line)).url);
      await page.locator("td a").first().click();
      await page.getByRole("checkbox", { name: "retried" }).check();
      await page.getByRole("gridcell").nth(1).click();
      await page.getByRole("complementary", { name: "Task" }).waitFor();
      await pause(500);
      await page.screenshot({ path: `docs/dashboard-${colorScheme}.png` });
    }
  } finally {
    await browser.close();
    server.kill();
  }
}

try {
  await sweep();
  await takePictures();
} finally {
  rmSync(folder, { recursive: true, force: true });
}
