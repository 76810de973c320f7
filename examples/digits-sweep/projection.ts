import { PCA } from "ml-pca";
import { type Samples, type Table, toMatrix, toTable } from "./samples.ts";

/** Principal components of some samples: where their middle is, and along which axes they differ most. */
export interface Projection {
  readonly means: Float64Array;
  readonly axes: Table;
}

/** Finds the principal components. To be honest, it must not see what models are tested on. */
export function fitProjection(samples: Samples, components: number): Projection {
  const pca = new PCA(toMatrix(samples), { method: "covarianceMatrix" });
  const axes = pca.getEigenvectors().subMatrix(0, samples.columns - 1, 0, components - 1);
  return { means: Float64Array.from(pca.toJSON().means), axes: toTable(axes) };
}

/** The samples as seen along the axes. */
export function project({ means, axes }: Projection, samples: Samples): Samples {
  const centred = toMatrix(samples).subRowVector(means);
  return { ...toTable(centred.mmul(toMatrix(axes))), labels: samples.labels };
}
