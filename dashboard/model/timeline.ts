import type { AttemptModel, RunModel, TaskModel } from "./run-model.ts";

/** An attempt in the timeline. */
export interface Bar {
  readonly task: TaskModel;
  readonly attempt: AttemptModel;
  /** When it was ready, and when it began to work: between them it waited. */
  readonly readyAt: number;
  readonly startAt: number;
  readonly endAt: number;
  readonly isOpen: boolean;
}

/** One line of the timeline: an executor, or a part of one that does several things at once. */
export interface TimelineRow {
  /** Empty for invocations, which share as few lines as it takes. */
  readonly executor: string;
  readonly lane: string;
  /** Whether it is the executor's first line. */
  readonly isFirst: boolean;
  /** By their begin. */
  readonly bars: readonly Bar[];
}

export interface Timeline {
  readonly from: number;
  readonly to: number;
  readonly rows: readonly TimelineRow[];
  readonly attempts: number;
}

/** Which executor did what when. @param now What goes on lasts until then. */
export function timelineOf({ tasks, startedAt = 0, lastAt }: RunModel, now: number): Timeline {
  const byExecutor = new Map<string, { executor: string; lane: string; bars: Bar[] }>();
  let to = lastAt;
  let attempts = 0;
  for (const task of tasks) {
    for (const attempt of task.attempts) {
      const { executor, lane, readyAt, dispatchedAt } = attempt;
      const isOpen = attempt.kind === undefined;
      const startAt = attempt.startedAt ?? dispatchedAt;
      const endAt = Math.max(startAt, attempt.endedAt ?? now);
      to = Math.max(to, endAt);
      attempts += 1;
      // An invocation is known by its request: one line each would be as many as attempts.
      const name = lane.startsWith("lambda") ? "" : executor;
      const key = name || lane;
      const group = byExecutor.get(key) ?? { executor: name, lane, bars: [] };
      byExecutor.set(key, group);
      group.bars.push({ task, attempt, readyAt: Math.min(readyAt, startAt), startAt, endAt, isOpen });
    }
  }
  const groups = [...byExecutor.values()];
  for (const { bars } of groups) bars.sort((a, b) => a.startAt - b.startAt || a.endAt - b.endAt);
  groups.sort((a, b) => a.lane.localeCompare(b.lane) || a.bars[0].startAt - b.bars[0].startAt);
  return { from: startedAt, to: Math.max(to, startedAt + 1), rows: groups.flatMap(packed), attempts };
}

/** As few lines as it takes for bars not to cover each other. */
function packed({ executor, lane, bars }: { executor: string; lane: string; bars: readonly Bar[] }): TimelineRow[] {
  const lines: { bars: Bar[]; until: number }[] = [];
  for (const bar of bars) {
    // Clocks count whole milliseconds: neighbours may touch.
    let line = lines.find(({ until }) => until <= bar.startAt + 1);
    if (!line) {
      line = { bars: [], until: 0 };
      lines.push(line);
    }
    line.bars.push(bar);
    line.until = bar.endAt;
  }
  return lines.map((line, index) => ({ executor, lane, isFirst: index === 0, bars: line.bars }));
}

/** The bar at a moment, or the nearest within a distance; undefined without one. */
export function barAt({ bars }: TimelineRow, at: number, withinMs: number): Bar | undefined {
  let best: Bar | undefined;
  let distance = withinMs;
  for (const bar of bars) {
    const away = at < bar.startAt ? bar.startAt - at : Math.max(0, at - bar.endAt);
    if (away > distance) continue;
    best = bar;
    distance = away;
  }
  return best;
}

/** How many attempts worked and waited over time: columns for a chart, at most `columns` moments. */
export function activityOf(
  { from, to, rows }: Timeline,
  columns: number,
): { readonly at: number[]; readonly working: number[]; readonly waiting: number[] } {
  const length = Math.max(2, columns);
  const width = (to - from) / (length - 1);
  const working = new Float64Array(length + 1);
  const waiting = new Float64Array(length + 1);
  const column = (at: number) => Math.max(0, Math.min(length, Math.ceil((at - from) / width)));
  for (const { bars } of rows) {
    for (const { readyAt, startAt, endAt } of bars) {
      waiting[column(readyAt)] += 1;
      waiting[column(startAt)] -= 1;
      working[column(startAt)] += 1;
      working[column(endAt)] -= 1;
    }
  }
  for (let i = 1; i < length; i++) {
    working[i] += working[i - 1];
    waiting[i] += waiting[i - 1];
  }
  return {
    at: Array.from({ length }, (_, i) => from + i * width),
    working: [...working.subarray(0, length)],
    waiting: [...waiting.subarray(0, length)],
  };
}
