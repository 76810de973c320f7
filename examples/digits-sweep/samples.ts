import { Matrix } from "ml-matrix";

/** Rows of numbers in one typed array, which travels between tasks without being copied. */
export interface Table {
  readonly columns: number;
  readonly values: Float64Array;
}

/** What models learn from: a row of features for each digit, and which digit it is. */
export interface Samples extends Table {
  readonly labels: Uint8Array;
}

export const toMatrix = ({ columns, values }: Table): Matrix =>
  Matrix.from1DArray(columns === 0 ? 0 : values.length / columns, columns, values);

export const toTable = (matrix: Matrix): Table => ({
  columns: matrix.columns,
  values: Float64Array.from(matrix.to1DArray()),
});

/** The samples at these positions. */
export function pick({ columns, values, labels }: Samples, positions: readonly number[]): Samples {
  const picked = new Float64Array(positions.length * columns);
  positions.forEach((from, to) => {
    picked.set(values.subarray(from * columns, (from + 1) * columns), to * columns);
  });
  return { columns, values: picked, labels: Uint8Array.from(positions, (position) => labels[position]) };
}

/** The first columns of the samples: of principal components, those that matter most. */
export function firstColumns(samples: Samples, columns: number): Samples {
  const { columns: all, values, labels } = samples;
  if (columns >= all) return samples;
  const narrow = new Float64Array(labels.length * columns);
  labels.forEach((_, row) => {
    narrow.set(values.subarray(row * all, row * all + columns), row * columns);
  });
  return { columns, values: narrow, labels };
}
