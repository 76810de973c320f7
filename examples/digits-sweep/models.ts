import type { Weights } from "./families/family.ts";
import { firstColumns, type Samples } from "./samples.ts";
import { FAMILIES, type Setting } from "./sweep.ts";

/** A trained model. */
export interface Model {
  readonly setting: Setting;
  readonly weights: Weights;
  /** How long it took to train. */
  readonly trainMs: number;
}

export function train(setting: Setting, samples: Samples): Model {
  const startedAt = performance.now();
  const weights = FAMILIES[setting.family].train(firstColumns(samples, setting.components), setting.value);
  return { setting, weights, trainMs: performance.now() - startedAt };
}

export const predict = ({ setting, weights }: Model, samples: Samples): Uint8Array =>
  FAMILIES[setting.family].predict(weights, firstColumns(samples, setting.components), setting.value);
