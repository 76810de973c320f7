import type { Family } from "./families/family.ts";
import { kernel } from "./families/kernel.ts";
import { logistic } from "./families/logistic.ts";
import { nearest } from "./families/nearest.ts";

export const FAMILIES = { nearest, logistic, kernel } satisfies Record<string, Family>;
export type FamilyName = keyof typeof FAMILIES;
export const FAMILY_NAMES = Object.keys(FAMILIES) as FamilyName[];

/** One point of the sweep: a model that could be trained. */
export interface Setting {
  readonly family: FamilyName;
  /** The family's own number. */
  readonly value: number;
  /** Principal components that the model gets to see of a digit. */
  readonly components: number;
}

/** How large a sweep is. */
export interface SweepSize {
  readonly folds: number;
  readonly components: readonly number[];
  /** Numbers tried of each family; all of them without. */
  readonly valuesPerFamily?: number;
}

export const FULL: SweepSize = { folds: 4, components: [15, 30, 60] };
export const QUICK: SweepSize = { folds: 3, components: [20], valuesPerFamily: 2 };

/** All settings of a sweep. */
export function settingsOf({ components, valuesPerFamily }: SweepSize): Setting[] {
  return FAMILY_NAMES.flatMap((family) =>
    FAMILIES[family].values
      .slice(0, valuesPerFamily)
      .flatMap((value) => components.map((count) => ({ family, value, components: count }))),
  );
}

export const describeSetting = ({ family, value, components }: Setting): string =>
  `${FAMILIES[family].title}, ${FAMILIES[family].parameter} ${value}, ${components} components`;
