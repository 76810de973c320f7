import { expect, test, vi } from "vitest";
import { expectSame } from "./same.ts";

const load = async () => {
  vi.resetModules();
  return {
    ...(await import("../../sdk/wire/codec/codec.ts")),
    ...(await import("../../sdk/wire/codec/frame.ts")),
    ...(await import("../../sdk/wire/codec/header.ts")),
  };
};

test("two copies of the codec in one process do not disturb each other", async () => {
  const first = await load();
  const second = await load();
  expect(first.encode).not.toBe(second.encode);
  const value = { map: new Map([[1n, -0]]), floats: Float64Array.of(1), self: null as unknown };
  value.self = value;
  for (const writer of [first, second]) {
    const bytes = writer.encodeToBytes(value);
    for (const reader of [first, second]) expectSame(reader.decode(bytes), value);
  }
  // One that says that it holds no nodes is refused by both.
  const hidden = Buffer.concat(
    first.writeFrame(0, first.packTree(first.unpackTree(treeOf(first, 1n), true)), []).chunks,
  );
  for (const reader of [first, second]) expect(() => reader.decode(hidden)).toThrow("says that it holds none");
});

function treeOf({ encodeToBytes, readFrame }: Awaited<ReturnType<typeof load>>, value: unknown): Uint8Array {
  return readFrame(encodeToBytes(value)).tree;
}
