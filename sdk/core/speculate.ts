import type { Lane } from "./offer.ts";

/** When an attempt counts as a straggler, and gets a second one beside it. */
export interface SpeculationRule {
  /** Share of the attempts of its kind that took less than what is compared with. */
  readonly quantile: number;
  /** It has to have taken so many times that long. */
  readonly factor: number;
  /** How many of its kind have to have ended before anything is said of them. */
  readonly minDone: number;
}

/** Twice as long as 95 of 100: rarely met by what only varies, and soon enough for what hangs. */
export const SPECULATION: SpeculationRule = { quantile: 0.95, factor: 2, minDone: 10 };

/** What an attempt has to have taken whatever its kind takes: starts, code that is loaded, a feed that is read. */
const FLOOR_MS = { here: 1_000, cloud: 5_000 };
/** Second attempts of a run may cost this share of what it has cost. */
const SHARE_OF_COST = 0.1;

/** Durations that are kept of each kind: the latest. */
const KEPT = 100;

/** The latest durations of attempts of one kind, in milliseconds. */
export class DurationSample {
  readonly #latest: number[] = [];
  #next = 0;
  #sorted: number[] | undefined;

  get size(): number {
    return this.#latest.length;
  }

  add(durationMs: number): void {
    this.#latest[this.#next] = durationMs;
    this.#next = (this.#next + 1) % KEPT;
    this.#sorted = undefined;
  }

  /** What this share of them took at the most. */
  quantile(share: number): number {
    this.#sorted ??= [...this.#latest].sort((a, b) => a - b);
    const at = Math.ceil(share * this.#sorted.length) - 1;
    return this.#sorted[Math.max(0, at)] ?? 0;
  }
}

/** How long an attempt of a kind may take in a lane before it is a straggler, in milliseconds; undefined as long as too little is known. */
export function stragglesAfterMs(
  sample: DurationSample | undefined,
  { service }: Pick<Lane, "service">,
  { quantile, factor, minDone }: SpeculationRule,
): number | undefined {
  if (!sample || sample.size < minDone) return undefined;
  const floorMs = service === "local" || service === "custom" ? FLOOR_MS.here : FLOOR_MS.cloud;
  return Math.max(floorMs, factor * sample.quantile(quantile));
}

/** Whether a second attempt is cheap, beside what its run has cost with those before it. */
export const isCheap = (usd: number, run: { readonly spentUsd: number; readonly onSecondsUsd: number }): boolean =>
  run.onSecondsUsd + usd <= SHARE_OF_COST * run.spentUsd;

/** Why there is a second attempt, in one clause. */
export function whySecond(tookMs: number, sample: DurationSample, { quantile }: SpeculationRule): string {
  const share = `${Number((quantile * 100).toPrecision(4))} %`;
  const usualMs = sample.quantile(quantile);
  return `second attempt because the first has taken ${inWords(tookMs)}, and ${share} of ${sample.size} others took ${inWords(usualMs)} at most`;
}

function inWords(ms: number): string {
  if (ms < 1_000) return `${Math.max(0, Math.round(ms))} ms`;
  return ms < 600_000 ? `${Number((ms / 1_000).toPrecision(3))} s` : `${Number((ms / 60_000).toPrecision(3))} min`;
}
