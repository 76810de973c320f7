import { styleText } from "node:util";
import { createLogUpdate } from "log-update";
import type { ProgressListener } from "../driver/progress-events.ts";
import { describeAttempt, describeEvent } from "./lines.ts";
import { OutputApart } from "./output-apart.ts";
import { RunTally, type TypeTally } from "./tally.ts";
import { duration } from "./text.ts";

/** Colour, unless the user wants none (https://no-color.org). */
const style: typeof styleText = process.env.NO_COLOR ? (_format, text) => text : styleText;
const REDRAW_MS = 100;
const BAR_WIDTH = 24;
/** How long lines wait, in milliseconds, for the script to end the line that it has begun. */
const PATIENCE_MS = 1_000;

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

/** Rows of attempts that are shown at most, beside the types. */
const MOST_ATTEMPTS = 6;
/** Rows of a terminal that are left to what the script itself prints. */
const ROWS_LEFT = 4;

function headOf(run: RunTally, now: number, over: boolean): string {
  const remaining = over ? undefined : run.remainingMs(now);
  const left = remaining === undefined ? "" : `, about ${duration(remaining)} left`;
  return `${style("bold", `run ${run.runId}`)} on ${run.runner}  ${duration(now - run.startedAt)}${left}${run.describeCost()}`;
}

/** Types of which something still runs or has gone wrong come first where there is no room for all. */
function shownTypes(run: RunTally, most: number): TypeTally[] {
  const types = [...run.types.values()];
  if (types.length <= most) return types;
  const interest = ({ running, failed, done, total }: TypeTally) =>
    running > 0 ? 3 : failed > 0 ? 2 : done < total ? 1 : 0;
  const chosen = new Set([...types].sort((a, b) => interest(b) - interest(a)).slice(0, Math.max(1, most - 1)));
  return types.filter((type) => chosen.has(type));
}

function rowsOf(run: RunTally, most: number): string[] {
  const types = shownTypes(run, most);
  const width = Math.max(0, ...types.map(({ name }) => name.length));
  const hidden = run.types.size - types.length;
  return [
    ...types.map((tally) => row(tally, width)),
    ...(hidden > 0 ? [style("dim", `  and ${hidden} more task types`)] : []),
  ];
}

/** What is drawn while a run goes on: as much as the terminal has room for. */
function render(run: RunTally, now: number, { columns, rows }: { columns: number; rows: number }): string[] {
  const room = Math.max(1, rows - ROWS_LEFT);
  const types = rowsOf(run, room);
  const attempts = run.attempts.slice(0, Math.min(MOST_ATTEMPTS, Math.max(0, room - types.length)));
  return [
    headOf(run, now, false),
    ...types,
    ...attempts.map((attempt) => style("dim", cut(`  ${describeAttempt(attempt, now)}`, columns))),
  ];
}

/** In one row: a wrapped one would be two. */
const cut = (text: string, columns: number) => (text.length < columns ? text : `${text.slice(0, columns - 2)}…`);

/**
 * Progress as bars at the bottom of a terminal: a row for each task type and for what runs longest, log lines of
 * tasks above them. What the script itself prints meanwhile appears above them, too, whole and in order.
 */
export function barProgress(stream: NodeJS.WriteStream): ProgressListener {
  const apart = new OutputApart(stream);
  const update = createLogUpdate(apart.own, { showCursor: true });
  const runs = new Map<string, RunTally>();
  let timer: NodeJS.Timeout | undefined;
  /** What waits for the end of the script's line. */
  let held: string[] = [];
  let heldSince = 0;

  const release = () => {
    if (held.length === 0) return;
    update.clear();
    apart.own.write(`${apart.isInLine ? "\n" : ""}${held.join("\n")}\n`);
    apart.isInLine = false;
    held = [];
  };
  const finish = () => {
    release();
    clearInterval(timer);
    timer = undefined;
    apart.end();
    process.off("exit", finish);
  };
  const draw = () => {
    // A line that the script has begun is not interrupted, unless it is a prompt.
    if (apart.isInLine && (held.length === 0 || Date.now() - heldSince < PATIENCE_MS)) return;
    release();
    if (runs.size === 0) {
      finish();
      return;
    }
    const now = Date.now();
    const { columns = 80, rows = 24 } = stream;
    const size = { columns, rows: Math.floor(rows / Math.max(1, runs.size)) };
    update([...runs.values()].flatMap((run) => render(run, now, size)).join("\n"));
  };
  const above = (text: string) => {
    if (held.length === 0) heldSince = Date.now();
    held.push(text);
    // Without a timer nobody would come back to it.
    if (!apart.isInLine || !timer) release();
  };

  // A line that the script has begun before its first run is one, too.
  apart.begin(() => update.clear());

  return (event) => {
    const line = describeEvent(event);
    if (line !== undefined) above(line);
    if (event.type === "run-started") {
      runs.set(event.runId, new RunTally(event));
      timer ??= setInterval(draw, REDRAW_MS).unref();
      apart.begin(() => update.clear());
      return;
    }
    const run = "runId" in event ? runs.get(event.runId) : undefined;
    if (!run) return;
    run.add(event);
    if (event.type !== "run-ended") return;
    runs.delete(event.runId);
    above([headOf(run, event.at, true), ...rowsOf(run, Number.POSITIVE_INFINITY)].join("\n"));
    if (runs.size > 0) return;
    if (held.length === 0) finish();
    // The script may end before its line does.
    else process.once("exit", finish);
  };
}
