import type { RunLogLine } from "./log-lines.ts";

/** Lines that say the same. */
export interface FoldedLine extends RunLogLine {
  /** How many there were. */
  readonly count: number;
  /** How many tasks said it. */
  readonly tasks: number;
}

/** Lines are put together that are not further apart than this, in milliseconds. */
const WINDOW_MS = 5_000;

interface Group {
  readonly line: RunLogLine;
  count: number;
  readonly tasks: Set<number | undefined>;
}

/** Tells lines that say the same once, with their number: in a row, or of many tasks within five seconds. */
export class LineFolder {
  /** In the order of their first lines. */
  readonly #groups = new Map<string, Group>();

  /** Takes in a line, and gives those that are told now since none can be added to them any more. */
  add(line: RunLogLine): FoldedLine[] {
    const told = this.flush(line.at - WINDOW_MS);
    const key = `${line.level} ${line.text}`;
    const group = this.#groups.get(key);
    if (group) {
      group.count += 1;
      group.tasks.add(line.position);
    } else {
      this.#groups.set(key, { line, count: 1, tasks: new Set([line.position]) });
    }
    return told;
  }

  /** What began before a moment; all that is there by default. */
  flush(before = Number.POSITIVE_INFINITY): FoldedLine[] {
    const told: FoldedLine[] = [];
    for (const [key, { line, count, tasks }] of this.#groups) {
      // Times are of executors, and lines as they came: one that is late holds back those behind it.
      if (line.at >= before) break;
      this.#groups.delete(key);
      told.push({ ...line, count, tasks: tasks.size });
    }
    return told;
  }
}
