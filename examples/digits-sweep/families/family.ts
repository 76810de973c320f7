import type { Samples, Table } from "../samples.ts";

/** What a model has learned, as data. */
export type Weights = Readonly<Record<string, Table>>;

/** A kind of model with one number to choose. */
export interface Family {
  readonly title: string;
  /** What the number is, in a table and below an axis. */
  readonly parameter: string;
  readonly axis: string;
  /** Numbers to try. */
  readonly values: readonly number[];
  train(samples: Samples, value: number): Weights;
  /** The digit that the model takes each sample for. */
  predict(weights: Weights, samples: Samples, value: number): Uint8Array;
}

/** Digits from 0 to 9. */
export const CLASSES = 10;
