import { setTimeout as sleep } from "node:timers/promises";
import type { ControlTable } from "../stores/control-table.ts";
import { FeedReader } from "../stores/feed.ts";
import type { WireLogLine } from "../wire/feed.ts";
import type { Orphan } from "./adoption.ts";
import type { ToldLines } from "./told-lines.ts";

/** What an executor says last may come this much later than its result, in milliseconds. */
const LATEST_MS = 5_000;
/** How far before the last thing that is written down lines may be missing, in milliseconds: they have their way to go. */
const MISSING_BEFORE_MS = 30_000;

/** A log line that nobody has written down, and the position of the task that it is of. */
export interface UntoldLine {
  readonly position: number;
  readonly line: WireLogLine;
}

/** From when on log lines of an attempt may be missing in what is written of a run, in milliseconds since the epoch. */
export const unheardSince = ({ from }: Orphan, told: ToldLines): number =>
  Math.max(from.dispatchedAt, told.until - MISSING_BEFORE_MS);

/**
 * Log lines of attempts that have ended while nobody drove their run: they lie in the feed of the driver that was gone.
 *
 * @param ended Such attempts, with the time at which their results were committed.
 */
export async function lastWords(
  table: ControlTable,
  ended: readonly { readonly position: number; readonly orphan: Orphan; readonly endedAt: number }[],
  told: ToldLines,
): Promise<UntoldLine[]> {
  if (ended.length === 0) return [];
  const lastEndedAt = ended.reduce((last, { endedAt }) => Math.max(last, endedAt), 0);
  await sleep(Math.max(0, lastEndedAt + LATEST_MS - Date.now()));
  const untold: UntoldLine[] = [];
  for (const lab of new Set(ended.map(({ orphan }) => orphan.from.lab))) {
    const ofLab = ended.filter(({ orphan }) => orphan.from.lab === lab);
    const positions = new Map(ofLab.map(({ position, orphan: { from } }) => [`${from.runId} ${from.task}`, position]));
    const since = ofLab.reduce(
      (first, { orphan }) => Math.min(first, unheardSince(orphan, told)),
      Number.POSITIVE_INFINITY,
    );
    const shards = [...new Set([0, ...ofLab.map(({ orphan }) => orphan.from.feedShard ?? 0)])];
    const reader = new FeedReader(table, { name: lab, shards: () => shards }, () => {}, since);
    for (const { event } of await reader.read()) {
      if (event.type !== "logs") continue;
      for (const line of event.lines) {
        const position = positions.get(`${line.runId} ${line.task}`);
        if (position !== undefined && !told.take(line)) untold.push({ position, line });
      }
    }
  }
  return untold;
}
