const BRAND = Symbol.for("stratolab.segments");

/** Bytes in several pieces, stored one behind the other: they arrive as one Uint8Array, and nobody joined them. */
export class Segments {
  readonly pieces: readonly Uint8Array[];
  readonly [BRAND] = true;

  constructor(pieces: readonly Uint8Array[]) {
    this.pieces = pieces;
  }

  /** Also true of one made by another copy of the library, as in a bundle. */
  static [Symbol.hasInstance](value: unknown): boolean {
    return typeof value === "object" && value !== null && BRAND in value;
  }
}
