import * as arrow from "apache-arrow";
import { registerArrow } from "../../sdk/wire/codec/arrow.ts";
import { registerCodec } from "../../sdk/wire/codec/classes.ts";
import { ObjectRef } from "../../sdk/wire/object-ref.ts";
import { StoredReturns } from "../../sdk/wire/returns.ts";
import type { Slot } from "../../sdk/wire/slot.ts";

/** A class of a user's. */
class Polygon {
  readonly points: Float64Array;
  readonly label: string;

  constructor(points: Float64Array, label: string) {
    this.points = points;
    this.label = label;
  }
}

registerCodec(Polygon, {
  encode: ({ points, label }) => ({ points, label }),
  decode: ({ points, label }) => new Polygon(points, label),
  version: 1,
});
registerArrow(arrow);

const slot = { object: `content/ab/${"ab".repeat(20)}`, bytes: 123, hash: "cd".repeat(32) };

/** Values of classes whose encoded form is kept in `golden/`, and what one sees of them. Add to them; never change one. */
export const GOLDEN_CLASSES: Readonly<Record<string, { make(): unknown; seen(value: never): unknown }>> = {
  "class-codec": {
    make: () => [new Polygon(Float64Array.of(0, 1.5, -2), "p"), new Polygon(new Float64Array(), "empty")],
    seen: (polygons: Polygon[]) => polygons.map((each) => [each instanceof Polygon, each.label, [...each.points]]),
  },
  arrow: {
    make: () =>
      new arrow.Table({
        x: arrow.makeVector(Float64Array.of(0.5, 1.5)),
        n: arrow.makeVector(Int32Array.of(7, -7)),
      }),
    seen: (table: arrow.Table) => [table instanceof arrow.Table, table.toArray().map((row) => row.toJSON())],
  },
  "object-refs": {
    make: () => ({ table: new ObjectRef(slot), made: new ObjectRef({ ...slot, by: "0123" }) }),
    seen: ({ table, made }: Record<string, ObjectRef<unknown>>) => [table.slot, made.slot],
  },
  returns: {
    make: () =>
      new StoredReturns(
        new Map<string, Slot>([
          ["train", slot],
          ["test", { inline: Uint8Array.of(1, 2) }],
        ]),
        false,
      ),
    seen: (value: StoredReturns) => [value instanceof StoredReturns, [...value.slots], value.isList],
  },
};
