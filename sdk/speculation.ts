import { SPECULATION, type SpeculationRule } from "./core/speculate.ts";

/**
 * When attempts that take too long get a second one beside them: after `factor` times what the share `quantile` of
 * the attempts of the same task type and size of input have taken at the most.
 */
export interface SpeculationOptions {
  /** Above 0.5, at most 1. Default 0.95. */
  readonly quantile?: number;
  /** At least 1. Default 2. */
  readonly factor?: number;
}

/** What a lab's `speculation` comes to; undefined: never. */
export function speculationRule(option: boolean | SpeculationOptions = true): SpeculationRule | undefined {
  if (option === false) return undefined;
  return option === true ? SPECULATION : { ...SPECULATION, ...option };
}

export function isSpeculation(value: unknown): value is boolean | SpeculationOptions {
  if (typeof value === "boolean") return true;
  if (typeof value !== "object" || value === null) return false;
  const { quantile = 1, factor = 1, ...others } = value as SpeculationOptions;
  return Object.keys(others).length === 0 && quantile > 0.5 && quantile <= 1 && Number.isFinite(factor) && factor >= 1;
}
