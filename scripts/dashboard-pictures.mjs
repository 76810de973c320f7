// Takes pictures of the dashboard with a real run in it, light and dark:
//   node scripts/dashboard-pictures.mjs [--folder FOLDER]
// The run is the digits sweep in which a task throws and an executor is killed (sweep-with-mishaps.mjs): two retries. Where that
// was run before in FOLDER, it is not run again.
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { parseArgs } from "node:util";
import { chromium } from "playwright-core";

const CHROMIUM = "/usr/bin/chromium";
if (!existsSync(CHROMIUM)) {
  console.error(`there is no ${CHROMIUM}: apt-get install chromium`);
  process.exit(1);
}
const { values } = parseArgs({ options: { folder: { type: "string" } } });
const folder = values.folder ?? mkdtempSync(join(tmpdir(), "stratolab-pictures-"));
const env = { ...process.env, STRATOLAB_RUNNER: "", STRATOLAB_STACK: "" };

async function sweep() {
  const child = spawn(process.execPath, ["scripts/sweep-with-mishaps.mjs", "--folder", folder], { stdio: "inherit" });
  const exitCode = await new Promise((done) => child.on("close", done));
  if (exitCode !== 0) throw new Error("the sweep did not go as the pictures want it");
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
  if (values.folder === undefined) await sweep();
  await takePictures();
} finally {
  if (values.folder === undefined) rmSync(folder, { recursive: true, force: true });
}
