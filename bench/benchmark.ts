/** One figure, and what it is held against: a floor or a peer, measured in the same run. */
export interface Figure {
  readonly what: string;
  readonly value: number;
  readonly unit: string;
  readonly against?: { readonly what: string; readonly value: number };
  /** What is aimed at, in words. */
  readonly goal?: string;
}

/** A benchmark: one call is one run, and the median over several runs is reported. */
export interface Benchmark {
  readonly name: string;
  /** The workload, in a line. */
  readonly workload: string;
  readonly runs: number;
  /** What all runs share; gives what ends it. @default nothing */
  readonly setUp?: () => Promise<() => Promise<void>>;
  run(): Promise<Figure[]>;
}

/** The middle of some numbers; the mean of the two middle ones for an even count. */
function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** A figure over several runs. */
export interface MedianFigure extends Figure {
  readonly lowest: number;
  readonly highest: number;
  /** Median of the ratios run by run, so that a machine whose speed drifts does not bend it. */
  readonly ratio?: number;
}

/** Puts the figures of several runs together, by what they measure. */
export function medians(runs: readonly (readonly Figure[])[]): MedianFigure[] {
  return runs[0].map((first, position): MedianFigure => {
    const figures = runs.map((run) => run[position]);
    const values = figures.map(({ value }) => value);
    const ratios = figures.flatMap(({ value, against }) => (against ? [value / against.value] : []));
    return {
      ...first,
      value: median(values),
      lowest: Math.min(...values),
      highest: Math.max(...values),
      ...(first.against
        ? { against: { what: first.against.what, value: median(figures.map(({ against }) => against?.value ?? 0)) } }
        : {}),
      ...(ratios.length > 0 ? { ratio: median(ratios) } : {}),
    };
  });
}
