/**
 * What is known of how much memory tasks of one type need. Out of memory at some size means that this
 * size is too small for inputs of that size and larger ones; it is not tried for them again, in this run
 * or a later one.
 */

/** Inputs are put together by powers of two of their bytes. */
export const bucketOf = (inputBytes: number): number => (inputBytes < 1 ? 0 : Math.floor(Math.log2(inputBytes)) + 1);

/** A size that was too small, and from which bucket of input sizes on. */
export type TooSmall = readonly [bucket: number, memoryMb: number];

/** Sizes found too small, by task type. */
export class Sizing {
  /** For each type the largest size that was too small, by bucket. */
  readonly #tooSmall = new Map<string, Map<number, number>>();
  /** For each type the highest memory that attempts were seen to use, in MB. */
  readonly #peakMb = new Map<string, number>();

  /** A task of this type ran out of memory at this size; false where that was known. */
  learnTooSmall(type: string, inputBytes: number, memoryMb: number): boolean {
    const isNew = this.tooSmallFor(type, inputBytes) < memoryMb;
    this.#note(type, bucketOf(inputBytes), memoryMb);
    return isNew;
  }

  /** An attempt that ended well has used this much memory at most; 0 where nobody looked. */
  learnPeak(type: string, peakMemoryMb: number): void {
    if (peakMemoryMb > (this.#peakMb.get(type) ?? 0)) this.#peakMb.set(type, peakMemoryMb);
  }

  /** The most that attempts of a type were seen to use, in MB; undefined before one was measured. */
  peakMemoryMb(type: string): number | undefined {
    return this.#peakMb.get(type);
  }

  /** Whether any size is known to be too small for tasks of the type. */
  knows(type: string): boolean {
    return this.#tooSmall.has(type);
  }

  /** Takes in what earlier runs have learned. */
  recall(type: string, known: readonly TooSmall[]): void {
    for (const [bucket, memoryMb] of known) this.#note(type, bucket, memoryMb);
  }

  #note(type: string, bucket: number, memoryMb: number): void {
    const known = this.#tooSmall.get(type) ?? new Map<number, number>();
    known.set(bucket, Math.max(known.get(bucket) ?? 0, memoryMb));
    this.#tooSmall.set(type, known);
  }

  /** The largest size known to be too small for inputs of this size, in MB; 0 when nothing is known. */
  tooSmallFor(type: string, inputBytes: number): number {
    const known = this.#tooSmall.get(type);
    if (!known) return 0;
    const bucket = bucketOf(inputBytes);
    let largest = 0;
    // What was too small for smaller inputs is too small for these.
    for (const [from, memoryMb] of known) if (from <= bucket) largest = Math.max(largest, memoryMb);
    return largest;
  }

  /** What was learned of a type, for later runs. */
  learned(type: string): TooSmall[] {
    return [...(this.#tooSmall.get(type) ?? [])];
  }
}
