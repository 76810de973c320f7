export const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

/** Standard deviation of a sample; 0 for a single value. */
export function standardDeviation(values: readonly number[]): number {
  if (values.length < 2) return 0;
  const middle = mean(values);
  return Math.sqrt(values.reduce((sum, value) => sum + (value - middle) ** 2, 0) / (values.length - 1));
}

/** How many predictions are right, as a share of 1. */
export function accuracy(labels: Uint8Array, predictions: Uint8Array): number {
  return labels.filter((label, index) => label === predictions[index]).length / labels.length;
}

/** Between what bounds a share lies in truth that was measured on `count` samples: Wilson's 95 % interval. */
export function shareBounds(share: number, count: number): { low: number; high: number } {
  const z = 1.96;
  const middle = share + z ** 2 / (2 * count);
  const reach = z * Math.sqrt((share * (1 - share)) / count + z ** 2 / (4 * count ** 2));
  const scale = 1 + z ** 2 / count;
  return { low: (middle - reach) / scale, high: (middle + reach) / scale };
}

/** How often each digit (row) was taken for each digit (column). */
export function confusion(labels: Uint8Array, predictions: Uint8Array, classes: number): number[][] {
  const counts = Array.from({ length: classes }, () => new Array<number>(classes).fill(0));
  labels.forEach((label, index) => {
    counts[label][predictions[index]] += 1;
  });
  return counts;
}
