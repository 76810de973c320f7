import KNN from "ml-knn";
import { toMatrix } from "../samples.ts";
import type { Family } from "./family.ts";

/** A digit is what most of the `k` digits are that look most like it. */
export const nearest: Family = {
  title: "nearest neighbours",
  parameter: "k",
  axis: "neighbours that vote (k)",
  values: [1, 3, 5, 9],
  // Nothing to learn: the samples themselves are the model.
  train: ({ columns, values, labels }) => ({
    points: { columns, values },
    labels: { columns: 1, values: Float64Array.from(labels) },
  }),
  predict({ points, labels }, samples, k) {
    const model = new KNN(toMatrix(points).to2DArray(), [...labels.values], { k });
    return Uint8Array.from(model.predict(toMatrix(samples).to2DArray()));
  },
};
