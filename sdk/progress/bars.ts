import { styleText } from "node:util";
import { createLogUpdate } from "log-update";
import type { ProgressListener } from "../driver/progress-events.ts";
import { describeEvent } from "./lines.ts";
import { RunTally, type TypeTally } from "./tally.ts";
import { duration } from "./text.ts";

/** Colour, unless the user wants none (https://no-color.org). */
const style: typeof styleText = process.env.NO_COLOR ? (_format, text) => text : styleText;
const REDRAW_MS = 100;
const BAR_WIDTH = 24;

function bar({ total, done, cached, failed }: TypeTally): string {
  const cells = (count: number) => (total === 0 ? 0 : Math.round((count / total) * BAR_WIDTH));
  const cachedCells = cells(cached);
  const doneCells = Math.max(0, cells(done) - cachedCells);
  const failedCells = Math.min(failed > 0 ? Math.max(1, cells(failed)) : 0, BAR_WIDTH - cachedCells - doneCells);
  const empty = BAR_WIDTH - cachedCells - doneCells - failedCells;
  return (
    style("cyan", "█".repeat(cachedCells)) +
    style("green", "█".repeat(doneCells)) +
    style("red", "█".repeat(failedCells)) +
    style("dim", "░".repeat(Math.max(0, empty)))
  );
}

function row(tally: TypeTally, nameWidth: number): string {
  const { name, total, done, cached, running, failed, cancelled, retried } = tally;
  const counts = [
    running > 0 ? style("yellow", `${running} running`) : "",
    cached > 0 ? style("cyan", `${cached} cached`) : "",
    retried > 0 ? style("magenta", `${retried} retried`) : "",
    failed > 0 ? style("red", `${failed} failed`) : "",
    cancelled > 0 ? style("dim", `${cancelled} not run`) : "",
  ].filter(Boolean);
  const digits = String(total).length;
  return `  ${name.padEnd(nameWidth)}  ${bar(tally)}  ${String(done).padStart(digits)}/${total}  ${counts.join("  ")}`;
}

function render(run: RunTally, now: number, over: boolean): string[] {
  const width = Math.max(0, ...[...run.types.keys()].map((name) => name.length));
  const remaining = over ? undefined : run.remainingMs(now);
  const left = remaining === undefined ? "" : `, about ${duration(remaining)} left`;
  const head = `${style("bold", `run ${run.runId}`)} on ${run.runner}  ${duration(now - run.startedAt)}${left}${run.describeCost()}`;
  return [head, ...[...run.types.values()].map((tally) => row(tally, width))];
}

/**
 * Progress as bars at the bottom of a terminal: a row for each task type, log lines of tasks above
 * them. What the script itself prints meanwhile appears above them, too.
 */
export function barProgress(stream: NodeJS.WriteStream): ProgressListener {
  const update = createLogUpdate(stream, { showCursor: true });
  const runs = new Map<string, RunTally>();
  let timer: NodeJS.Timeout | undefined;
  let restore: (() => void) | undefined;

  const draw = () => {
    const now = Date.now();
    update([...runs.values()].flatMap((run) => render(run, now, false)).join("\n"));
  };
  const above = (text: string) => {
    update.clear();
    stream.write(`${text}\n`);
  };
  const begin = () => {
    timer ??= setInterval(draw, REDRAW_MS).unref();
    restore ??= keepOutputApart(stream, () => update.clear());
  };
  const end = () => {
    clearInterval(timer);
    timer = undefined;
    restore?.();
    restore = undefined;
  };

  return (event) => {
    const line = describeEvent(event);
    if (line !== undefined) above(line);
    if (event.type === "run-started") {
      runs.set(event.runId, new RunTally(event));
      begin();
      return;
    }
    const run = "runId" in event ? runs.get(event.runId) : undefined;
    if (!run) return;
    run.add(event);
    if (event.type !== "run-ended") return;
    runs.delete(event.runId);
    above(render(run, event.at, true).join("\n"));
    if (runs.size === 0) end();
  };
}

/** Takes the bars away before the script itself prints; they come back with the next drawing. */
function keepOutputApart(stream: NodeJS.WriteStream, clear: () => void): () => void {
  const { stdout } = process;
  if (!stdout.isTTY || stdout === (stream as unknown)) return () => {};
  const original = stdout.write;
  stdout.write = function write(this: unknown, ...args: unknown[]): boolean {
    clear();
    return Reflect.apply(original, stdout, args) as boolean;
  } as typeof stdout.write;
  return () => {
    stdout.write = original;
  };
}
