import { CholeskyDecomposition, Matrix } from "ml-matrix";
import { type Table, toMatrix, toTable } from "../samples.ts";
import { CLASSES, type Family } from "./family.ts";

/** How much smoothness counts against fitting every sample. */
const RIDGE = 0.1;

/** How alike each row of `a` is to each of `b`: a Gaussian of their distance, of width `sigma`. */
function similarity(a: Table, b: Table, sigma: number): Matrix {
  const similar = toMatrix(a).mmul(toMatrix(b).transpose());
  const aSquares = squares(a);
  const bSquares = squares(b);
  const scale = -1 / (2 * sigma ** 2);
  for (let row = 0; row < similar.rows; row++) {
    for (let column = 0; column < similar.columns; column++) {
      const distance = aSquares[row] + bSquares[column] - 2 * similar.get(row, column);
      similar.set(row, column, Math.exp(scale * distance));
    }
  }
  return similar;
}

const squares = (table: Table): number[] => {
  const matrix = toMatrix(table);
  return matrix.mul(matrix).sum("row");
};

/** A smooth border around each digit: least squares over bumps of width `sigma`, one at each sample. */
export const kernel: Family = {
  title: "kernel machine",
  parameter: "sigma",
  axis: "width of the kernel (sigma)",
  values: [0.5, 1, 2, 4],
  train({ columns, values, labels }, sigma) {
    const points = { columns, values };
    const similar = similarity(points, points, sigma);
    const wanted = Matrix.zeros(labels.length, CLASSES).sub(1);
    labels.forEach((label, row) => {
      wanted.set(row, label, 1);
      similar.set(row, row, similar.get(row, row) + RIDGE);
    });
    return { points, coefficients: toTable(new CholeskyDecomposition(similar).solve(wanted)) };
  },
  predict({ points, coefficients }, samples, sigma) {
    const scores = similarity(samples, points, sigma).mmul(toMatrix(coefficients));
    return Uint8Array.from({ length: scores.rows }, (_, row) => scores.maxRowIndex(row)[1]);
  },
};
