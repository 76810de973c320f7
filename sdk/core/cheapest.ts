import { breakEvenMs, laneUsd } from "./lane-cost.ts";
import { START_MS } from "./limits.ts";
import type { Lane } from "./offer.ts";

/** What is known of a task before it runs. */
export interface Known {
  /** How long attempts of its type took on average, in milliseconds. */
  readonly durationMs: number;
  /** How long it may take, its executor's start included, for the run to end in time. Default: as long as it likes. */
  readonly slackMs?: number | undefined;
}

export interface Choice {
  readonly lane: Lane;
  /** Why, in one clause. */
  readonly reason: string;
}

/** Durations scatter: a service that ends an attempt sooner than at so many times the mean is too short. */
const TIMEOUT_MARGIN = 2;

/**
 * The lane that costs least for a task of known duration, among those that are fast enough for the run's
 * deadline; the one that starts soonest where none is.
 *
 * @param lanes Those that have what the task asks for, in the order in which they would be taken otherwise.
 * @returns Undefined where no choice can be made by cost: there is no other service, or a price is not known.
 */
export function cheapestLane(lanes: readonly Lane[], known: Known): Choice | undefined {
  const { durationMs, slackMs = Number.POSITIVE_INFINITY } = known;
  const [usual] = lanes;
  if (lanes.every(({ group }) => group === usual.group) || laneUsd(usual, durationMs) === undefined) {
    return undefined;
  }
  const lasting = lanes.filter(
    ({ maxTimeoutMs = Number.POSITIVE_INFINITY }) => durationMs * TIMEOUT_MARGIN <= maxTimeoutMs,
  );
  const able = lasting.length > 0 ? lasting : lanes;
  const inTime = able.filter((lane) => neededMs(lane, durationMs) <= slackMs);
  if (inTime.length === 0) {
    const soonest = able.reduce((best, lane) =>
      neededMs(lane, durationMs) < neededMs(best, durationMs) ? lane : best,
    );
    return {
      lane: soonest,
      reason: `the soonest to be done: the deadline leaves ${inWords(slackMs)} for about ${inWords(durationMs)}`,
    };
  }
  const lane = inTime.reduce((best, each) => (dollars(each, durationMs) < dollars(best, durationMs) ? each : best));
  return { lane, reason: reasonFor(lane, lanes, durationMs, inTime.length < able.length ? slackMs : undefined) };
}

/** Start and work; capacity that may be taken away has to leave time for once more. */
const neededMs = ({ service, spot }: Lane, durationMs: number) => START_MS[service] + durationMs * (spot ? 2 : 1);

const dollars = (lane: Lane, ms: number) => laneUsd(lane, ms) ?? Number.POSITIVE_INFINITY;

function reasonFor(lane: Lane, lanes: readonly Lane[], durationMs: number, slackMs: number | undefined): string {
  const others = lanes.filter(({ group }) => group !== lane.group);
  const next = others.reduce((best, each) => (dollars(each, durationMs) < dollars(best, durationMs) ? each : best));
  const lambda = [lane, next].find(({ service }) => service === "lambda");
  const other = lambda === lane ? next : lane;
  const breakEven = lambda && breakEvenMs(lambda, other, lambda.maxTimeoutMs ?? 900_000);
  const compared =
    `${money(dollars(lane, durationMs))} for about ${inWords(durationMs)}, ` +
    `${money(dollars(next, durationMs))} on ${next.name}`;
  const even = breakEven === undefined ? "" : ` (break-even at ${inWords(breakEven)})`;
  const deadline = slackMs === undefined ? "" : `, within the ${inWords(slackMs)} that the deadline leaves`;
  return `${compared}${even}${deadline}`;
}

const money = (value: number) => (value === Number.POSITIVE_INFINITY ? "unknown" : `$${value.toPrecision(2)}`);

function inWords(ms: number): string {
  if (ms < 1_000) return `${Math.max(0, Math.round(ms))} ms`;
  if (ms < 600_000) return `${Number((ms / 1_000).toPrecision(3))} s`;
  return `${Number((ms / 60_000).toPrecision(3))} min`;
}
