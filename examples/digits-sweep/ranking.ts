import { mean, standardDeviation } from "./statistics.ts";
import type { Setting } from "./sweep.ts";

/** How one model did on one fold. */
export interface Score {
  readonly setting: Setting;
  readonly accuracy: number;
  readonly trainMs: number;
}

/** How a setting did on all folds. */
export interface RankedSetting {
  readonly setting: Setting;
  readonly accuracy: number;
  /** Standard deviation of the accuracy over the folds. */
  readonly spread: number;
  /** Time to train on one fold. */
  readonly trainMs: number;
}

/** Settings by their mean accuracy, best first; of equal ones, the order of the sweep. */
export function rank(scores: readonly (readonly Score[])[]): RankedSetting[] {
  const ranked = scores.map((folds) => {
    const accuracies = folds.map(({ accuracy }) => accuracy);
    return {
      setting: folds[0].setting,
      accuracy: mean(accuracies),
      spread: standardDeviation(accuracies),
      trainMs: mean(folds.map(({ trainMs }) => trainMs)),
    };
  });
  return ranked.sort((a, b) => b.accuracy - a.accuracy);
}
