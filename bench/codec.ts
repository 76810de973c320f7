import v8 from "node:v8";
import { Packr } from "msgpackr";
import { decode, encode, encodeToBytes, joinChunks } from "../sdk/wire/codec/codec.ts";
import type { Benchmark, Figure } from "./benchmark.ts";

/** Values of five kinds. `asJson` is false for what JSON would change. */
const KINDS: readonly { readonly name: string; readonly asJson: boolean; make(): unknown }[] = [
  {
    name: "params of a task",
    asJson: true,
    make: () => ({ seed: 7, folds: 5, path: "data/train.csv", rates: [0.1, 0.01] }),
  },
  {
    name: "10,000 records",
    asJson: true,
    make: () =>
      Array.from({ length: 10_000 }, (_, id) => ({ id, name: `item ${id % 977}`, score: id / 7, tags: ["a", "b"] })),
  },
  {
    name: "1 MB of text",
    asJson: true,
    make: () => Array.from({ length: 1_000 }, (_, line) => `line ${line}: ${"some words ".repeat(90)}`),
  },
  {
    name: "Maps, Sets, Dates, shared objects",
    asJson: false,
    make: () => {
      const shared = { unit: "ms" };
      return new Map(
        Array.from({ length: 2_000 }, (_, id) => [id, { at: new Date(id), kinds: new Set([id % 3, "x"]), shared }]),
      );
    },
  },
  {
    name: "8 MB of Float64Array",
    asJson: false,
    make: () => ({ weights: Float64Array.from({ length: 2 ** 20 }, (_, index) => Math.sin(index)) }),
  },
];

interface Peer {
  readonly name: string;
  readonly jsonOnly?: boolean;
  /** There and back. */
  roundTrip(value: unknown): unknown;
  size?(value: unknown): number;
}

const packr = new Packr({ structuredClone: true, moreTypes: true, useRecords: false });
const OURS: Peer = {
  name: "stratolab",
  roundTrip: (value) => decode(joinChunks(encode(value))),
  size: (value) => encodeToBytes(value).byteLength,
};
const PEERS: readonly Peer[] = [
  {
    name: "v8.serialize",
    roundTrip: (value) => v8.deserialize(v8.serialize(value)),
    size: (value) => v8.serialize(value).byteLength,
  },
  {
    name: "msgpackr",
    roundTrip: (value) => packr.unpack(packr.pack(value)),
    size: (value) => packr.pack(value).byteLength,
  },
  { name: "structuredClone", roundTrip: (value) => structuredClone(value) },
  {
    name: "JSON",
    jsonOnly: true,
    roundTrip: (value) => JSON.parse(JSON.stringify(value)),
    size: (value) => Buffer.byteLength(JSON.stringify(value)),
  },
];

const MEASURE_MS = 120;

/** Round trips a second. */
function rateOf(peer: Peer, value: unknown): number {
  peer.roundTrip(value);
  const start = performance.now();
  let rounds = 0;
  let elapsed = 0;
  for (; elapsed < MEASURE_MS; rounds++, elapsed = performance.now() - start) peer.roundTrip(value);
  return (rounds / elapsed) * 1_000;
}

/** The codec beside its peers: there and back into one buffer, and how large it is. */
export const codec: Benchmark = {
  name: "codec",
  workload: "values of five kinds encoded into one buffer and decoded again, beside peers that can",
  runs: 5,
  async run(): Promise<Figure[]> {
    return KINDS.flatMap(({ name, asJson, make }) => {
      const value = make();
      const rate = rateOf(OURS, value);
      const bytes = OURS.size?.(value) ?? 0;
      return PEERS.filter(({ jsonOnly }) => asJson || !jsonOnly).flatMap((peer): Figure[] => [
        { what: name, value: rate, unit: "round trips/s", against: { what: peer.name, value: rateOf(peer, value) } },
        ...(peer.size
          ? [{ what: name, value: bytes, unit: "bytes", against: { what: peer.name, value: peer.size(value) } }]
          : []),
      ]);
    });
  },
};
