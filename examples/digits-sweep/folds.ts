import { fitProjection, project } from "./projection.ts";
import { shuffledPositions } from "./random.ts";
import { pick, type Samples } from "./samples.ts";

/** How samples are divided for cross-validation. */
export interface Division {
  readonly folds: number;
  /** Decides which sample is in which fold. */
  readonly seed: number;
  /** Principal components that samples are reduced to. */
  readonly components: number;
}

/** One way of dividing samples: most to learn from, the rest to judge by. */
export interface Fold {
  readonly train: Samples;
  readonly validation: Samples;
}

/** Divides samples and reduces both parts to the principal components of those to learn from. */
export function divide(samples: Samples, fold: number, { folds, seed, components }: Division): Fold {
  const positions = shuffledPositions(samples.labels.length, seed);
  const train = pick(
    samples,
    positions.filter((_, order) => order % folds !== fold),
  );
  const validation = pick(
    samples,
    positions.filter((_, order) => order % folds === fold),
  );
  const projection = fitProjection(train, components);
  return { train: project(projection, train), validation: project(projection, validation) };
}
