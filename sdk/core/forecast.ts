import { attemptUsd, BY_ITSELF, rateOf, type Together } from "./attempt-cost.ts";
import { type BatchOptions, batchSize } from "./batch.ts";
import { START_MS } from "./limits.ts";
import type { CapacityGroup, Lane } from "./offer.ts";

/** An expectation, and between what it will probably be. */
export interface Range {
  readonly low: number;
  readonly expected: number;
  readonly high: number;
}

/** How long tasks of a type take, as it was measured, in milliseconds. */
export interface MeasuredDuration {
  readonly meanMs: number;
  readonly deviationMs: number;
}

/** A task that is to run. */
export interface ForecastTask {
  readonly lane: Lane;
  readonly duration: MeasuredDuration;
  readonly paramBytes: number;
  /** How many of its kind an executor works on at once. */
  readonly atOnce: number;
  /** Positions of those that it waits for, all before its own. */
  readonly dependencies: readonly number[];
}

/** Work that makes another container worth its start, in milliseconds, as the scheduler sees it. */
const WORTH_A_CONTAINER_MS = 30_000;

/** Applies one figure to each part of a range. */
type Case = "low" | "expected" | "high";
const rangeOf = (of: (which: Case) => number): Range => ({
  low: of("low"),
  expected: of("expected"),
  high: of("high"),
});

/** How long an attempt takes: mean, less one deviation, or more two. */
const msOf = ({ meanMs, deviationMs }: MeasuredDuration, which: Case): number =>
  which === "expected" ? meanMs : Math.max(0, meanMs + (which === "low" ? -1 : 2) * deviationMs);

/**
 * How many tasks of a type share a dispatch when all of them wait, as the scheduler would have it.
 *
 * @param slots How many executors or invocations there may be.
 * @param atOnce How many of them each works on at once.
 */
export function sharing(
  count: number,
  { meanMs, deviationMs }: MeasuredDuration,
  slots: number,
  batch: BatchOptions,
  atOnce: number,
): Together {
  return { shared: batchSize(meanMs + 2 * deviationMs, count, slots, batch, atOnce), atOnce };
}

/**
 * Dollars for some tasks of one type and lane, if all goes well. On ECS containers are counted with, each with its
 * start and its minimum.
 *
 * @param together What they share. Default nothing.
 */
export function forecastUsd(tasks: readonly ForecastTask[], lane: Lane, together: Together = BY_ITSELF): Range {
  const rate = rateOf(lane);
  return rangeOf((which) => {
    const attempts = tasks.reduce((sum, { duration, paramBytes }) => {
      return sum + attemptUsd(lane, msOf(duration, which), paramBytes, "usual", together);
    }, 0);
    if (rate.minimumSeconds < 1) return attempts;
    const busyMs = tasks.reduce((sum, { duration }) => sum + msOf(duration, which), 0) / together.atOnce;
    const containers = Math.max(1, Math.min(tasks.length, Math.ceil(busyMs / WORTH_A_CONTAINER_MS)));
    const startedMs = containers * START_MS[lane.service];
    const unusedMs = Math.max(startedMs, containers * rate.minimumSeconds * 1000 - busyMs);
    return attempts + (rate.perSecond * unusedMs) / 1000;
  });
}

/**
 * Seconds until all tasks are done, if all goes well: the longest chain of tasks that wait for each other, or all
 * the work over what can be done at once, whichever is longer; at the worst one after the other.
 */
export function forecastSeconds(
  tasks: readonly ForecastTask[],
  groups: readonly CapacityGroup[],
  concurrency: number,
): Range {
  const slots = new Map(groups.map((group) => [group.name, Math.max(1, Math.min(group.slots, concurrency))]));
  return rangeOf((which) => {
    const ends: number[] = [];
    const workMs = new Map<string, number>();
    for (const { lane, duration, atOnce, dependencies } of tasks) {
      const ms = msOf(duration, which);
      const startMs = dependencies.length === 0 ? START_MS[lane.service] : 0;
      ends.push(dependencies.reduce((latest, each) => Math.max(latest, ends[each]), startMs) + ms);
      workMs.set(lane.group, (workMs.get(lane.group) ?? 0) + ms / atOnce);
    }
    const chainMs = ends.reduce((latest, end) => Math.max(latest, end), 0);
    const spreadMs = [...workMs].reduce((most, [group, ms]) => Math.max(most, ms / (slots.get(group) ?? 1)), 0);
    return (which === "high" ? chainMs + spreadMs : Math.max(chainMs, spreadMs)) / 1000;
  });
}

/** Adds ranges up. */
export const sumOf = (ranges: readonly Range[]): Range =>
  rangeOf((which) => ranges.reduce((sum, range) => sum + range[which], 0));
