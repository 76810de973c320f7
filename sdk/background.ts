/** Entry of a driver in the background: goes on with one run, and ends with it. */
import { driveRun } from "./drive-run.ts";
import { keepingAlive } from "./keep-alive.ts";
import { lineProgress } from "./progress/lines.ts";
import type { BackgroundOrder } from "./runners/local/background-driver.ts";
import { LocalRunner } from "./runners/local/runner.ts";

const order = JSON.parse(process.argv[2] ?? "") as BackgroundOrder;
const progress = lineProgress((line) => console.log(line));
const error = await keepingAlive(driveRun({ ...order, progress, newRunner: () => new LocalRunner() }));
if (error) {
  console.error(error);
  process.exitCode = 1;
}
