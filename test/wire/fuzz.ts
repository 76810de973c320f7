import fc from "fast-check";
import { checkOf, isIntact } from "../../sdk/stores/check.ts";
import { decode, encodeToBytes } from "../../sdk/wire/codec/codec.ts";
import { CodecError } from "../../sdk/wire/codec/codec-error.ts";
import { anyGraph, anyTree } from "./arbitrary.ts";
import { findDifference } from "./difference.ts";

export interface FuzzReport {
  readonly roundTrips: number;
  /** Changed buffers that `decode` refuses by itself. */
  readonly refused: number;
  /** Changed in the memory of typed arrays, which the hash of what is stored tells. */
  readonly refusedByHash: number;
  /** What went wrong, with how to see it again. */
  readonly failures: readonly string[];
}

/** Values drawn at once: a sample is all in memory. */
const BATCH = 500;

type Change = readonly [kind: "bit" | "byte" | "cut" | "longer" | "zeros", at: number, by: number];
const anyChange: fc.Arbitrary<Change> = fc.tuple(
  fc.constantFrom("bit" as const, "byte" as const, "cut" as const, "longer" as const, "zeros" as const),
  fc.nat({ max: 2 ** 30 }),
  fc.integer({ min: 1, max: 255 }),
);

function changed(bytes: Uint8Array, [kind, at, by]: Change): Uint8Array {
  const place = at % bytes.byteLength;
  if (kind === "cut") return bytes.slice(0, place);
  if (kind === "longer") return Buffer.concat([bytes, Buffer.alloc(by, at)]);
  const copy = Buffer.from(bytes);
  if (kind === "bit") copy[place] ^= 1 << (by & 7);
  else if (kind === "byte") copy[place] ^= by;
  else copy.subarray(place, place + by).fill(0);
  return copy;
}

/** Sends so many random values through the codec and back, and hands it as many changed buffers. */
export function fuzz(seed: number, count: number): FuzzReport {
  const failures: string[] = [];
  let [roundTrips, refused, refusedByHash] = [0, 0, 0];
  for (let first = 0; first < count; first += BATCH) {
    const parameters = { seed: seed + first, numRuns: Math.min(BATCH, count - first) };
    fc.sample(fc.tuple(fc.oneof(anyGraph, anyTree), anyChange), parameters).forEach(([value, change], index) => {
      const where = `value ${first + index} of seed ${seed}`;
      const bytes = encodeToBytes(value);
      const difference = findDifference(decode(bytes), value);
      if (difference === undefined) roundTrips += 1;
      else failures.push(`${where}: ${difference}`);

      let broken = changed(bytes, change);
      if (Buffer.compare(broken, bytes) === 0) broken = changed(bytes, ["byte", change[1], change[2]]);
      try {
        decode(broken);
        if (!isIntact(broken, checkOf([bytes]))) refusedByHash += 1;
      } catch (error) {
        if (error instanceof CodecError) refused += 1;
        else failures.push(`${where}, ${change.join(" ")}: ${String(error)}`);
      }
    });
  }
  return { roundTrips, refused, refusedByHash, failures };
}
