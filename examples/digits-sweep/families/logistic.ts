import LogisticRegression from "ml-logistic-regression";
import { Matrix } from "ml-matrix";
import { type Samples, toMatrix, toTable } from "../samples.ts";
import type { Family } from "./family.ts";

/** Gradients are summed over the samples, so the more there are, the shorter a step has to be. */
const RATE = 0.8;

const withConstant = (samples: Samples): Matrix => {
  const matrix = toMatrix(samples);
  return matrix.addColumn(0, Matrix.ones(matrix.rows, 1));
};

/** A straight border between each digit and the others, found step by step. */
export const logistic: Family = {
  title: "logistic regression",
  parameter: "steps",
  axis: "steps of gradient descent",
  values: [20, 60, 180],
  train(samples, steps) {
    const model = new LogisticRegression({ numSteps: steps, learningRate: RATE / samples.labels.length });
    model.train(withConstant(samples), Matrix.columnVector([...samples.labels]));
    return { weights: toTable(new Matrix(model.classifiers.map(({ weights }) => weights.to1DArray()))) };
  },
  predict({ weights }, samples) {
    const scores = withConstant(samples).mmul(toMatrix(weights).transpose());
    // The library's classifiers score how little a sample is of their class.
    return Uint8Array.from({ length: scores.rows }, (_, row) => scores.minRowIndex(row)[1]);
  },
};
