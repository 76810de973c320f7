import { type Digits, SIDE } from "./digits.ts";
import type { Samples } from "./samples.ts";

const HALF = SIDE / 2;

/** Makes a sample of each digit: upright and centred, at half the resolution, grey values from 0 to 1. */
export function toSamples({ count, pixels, labels }: Digits): Samples {
  const values = new Float64Array(count * HALF * HALF);
  for (let index = 0; index < count; index++) {
    const image = upright(pixels.subarray(index * SIDE * SIDE, (index + 1) * SIDE * SIDE));
    values.set(halve(image), index * HALF * HALF);
  }
  return { columns: HALF * HALF, values, labels };
}

/** Undoes the slant of the writing: what leans is sheared back around its centre of mass. */
export function upright(image: Uint8Array): Float64Array {
  let mass = 0;
  let xSum = 0;
  let ySum = 0;
  image.forEach((grey, at) => {
    mass += grey;
    xSum += grey * (at % SIDE);
    ySum += grey * Math.floor(at / SIDE);
  });
  if (mass === 0) return Float64Array.from(image);
  const [xCentre, yCentre] = [xSum / mass, ySum / mass];
  let covariance = 0;
  let variance = 0;
  image.forEach((grey, at) => {
    const y = Math.floor(at / SIDE) - yCentre;
    covariance += grey * y * ((at % SIDE) - xCentre);
    variance += grey * y * y;
  });
  const slant = variance > 0 ? covariance / variance : 0;
  const middle = (SIDE - 1) / 2;
  return Float64Array.from(image, (_, at) => {
    const y = Math.floor(at / SIDE) - middle;
    const x = (at % SIDE) - middle;
    return greyAt(image, xCentre + x + slant * y, yCentre + y);
  });
}

/** Grey value between pixels, by how near each of the four around is. */
function greyAt(image: Uint8Array, x: number, y: number): number {
  const [left, top] = [Math.floor(x), Math.floor(y)];
  const [right, bottom] = [x - left, y - top];
  const grey = (column: number, row: number) =>
    column < 0 || row < 0 || column >= SIDE || row >= SIDE ? 0 : image[row * SIDE + column];
  const above = grey(left, top) * (1 - right) + grey(left + 1, top) * right;
  const below = grey(left, top + 1) * (1 - right) + grey(left + 1, top + 1) * right;
  return above * (1 - bottom) + below * bottom;
}

function halve(image: Float64Array): Float64Array {
  return Float64Array.from({ length: HALF * HALF }, (_, at) => {
    const corner = 2 * Math.floor(at / HALF) * SIDE + 2 * (at % HALF);
    return (image[corner] + image[corner + 1] + image[corner + SIDE] + image[corner + SIDE + 1]) / (4 * 255);
  });
}
