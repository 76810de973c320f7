// Of the ml-* packages, these bring no types. Here is what the example uses of them.

declare module "ml-knn" {
  export default class KNN {
    constructor(rows: number[][], labels: readonly number[], options: { readonly k: number });
    predict(rows: number[][]): number[];
  }
}

declare module "ml-logistic-regression" {
  import type { Matrix } from "ml-matrix";

  export default class LogisticRegression {
    readonly classifiers: readonly { readonly weights: Matrix }[];
    constructor(options: { readonly numSteps: number; readonly learningRate: number });
    train(rows: Matrix, labels: Matrix): void;
  }
}
