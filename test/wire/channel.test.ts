import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type FromExecutor, frameMessage, MessageReader, type ToExecutor } from "../../sdk/wire/channel.ts";
import { withoutBuffers } from "./plain.ts";

const message = (task: number, seen: string): FromExecutor => ({
  type: "outcome",
  assignment: "a",
  task,
  attempt: 1,
  outcome: { kind: "executor-lost", seen },
});

/** Cuts bytes at the given places. */
function pieces(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const places = [...new Set([0, ...cuts.map((cut) => cut % (bytes.byteLength + 1)), bytes.byteLength])];
  places.sort((a, b) => a - b);
  return places.slice(1).map((end, index) => Buffer.from(bytes.subarray(places[index], end)));
}

describe("messages between a supervisor and its executor process", () => {
  test("are their length in four bytes, then MessagePack", () => {
    const frame = frameMessage({ type: "cancel", task: 3, runId: "r" });
    expect(frame.readUInt32LE(0)).toBe(frame.byteLength - 4);
  });

  test("come out as they went in", () => {
    const assignment: ToExecutor = {
      type: "assign",
      assignment: {
        protocol: 1,
        id: "7",
        runId: "run",
        epoch: 1,
        runStartedAt: 1_700_000_000_000,
        namespace: "default",
        bundle: "hash",
        context: { inline: Uint8Array.of(1) },
        attempts: [
          {
            task: 0,
            attempt: 1,
            key: "k",
            name: "train",
            version: "v",
            params: { inline: Uint8Array.of(1, 2, 255) },
            inputs: { dep: { object: "results/x", bytes: 2 ** 40, hash: "h" } },
            resources: { numCpus: 0.5, numGpus: 0, memoryMb: 512 },
            generation: Date.UTC(2026, 0),
          },
        ],
        awaited: true,
        inlineBytes: 16_384,
      },
    };
    const [read] = new MessageReader<ToExecutor>().push(frameMessage(assignment));
    expect(withoutBuffers(read)).toEqual(assignment);
  });

  test("come out as they went in, whatever pieces they arrive in", () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ maxLength: 50, unit: "binary" }), { maxLength: 10 }),
        fc.array(fc.nat({ max: 1_000 }), { maxLength: 30 }),
        (texts, cuts) => {
          const messages = texts.map((text, task) => message(task, text));
          const bytes = Buffer.concat(messages.map(frameMessage));
          const reader = new MessageReader<FromExecutor>();
          expect(pieces(bytes, cuts).flatMap((piece) => reader.push(piece))).toEqual(messages);
        },
      ),
      { numRuns: 500 },
    );
  });

  test("come out byte by byte, each with its last byte", () => {
    const bytes = Buffer.concat([frameMessage(message(0, "first")), frameMessage(message(1, ""))]);
    const reader = new MessageReader<FromExecutor>();
    const ends: number[] = [];
    bytes.forEach((_, index) => {
      if (reader.push(bytes.subarray(index, index + 1)).length > 0) ends.push(index);
    });
    expect(ends).toEqual([frameMessage(message(0, "first")).byteLength - 1, bytes.byteLength - 1]);
  });

  test("of 20 MB come out of pieces of 64 KB", () => {
    const big = message(0, "x".repeat(20 * 2 ** 20));
    const bytes = frameMessage(big);
    const reader = new MessageReader<FromExecutor>();
    const read: FromExecutor[] = [];
    for (let start = 0; start < bytes.byteLength; start += 65_536) {
      read.push(...reader.push(bytes.subarray(start, start + 65_536)));
    }
    expect(read).toHaveLength(1);
    expect(read[0] as typeof big satisfies FromExecutor).toMatchObject({ type: "outcome", task: 0 });
    expect(JSON.stringify(read[0]).length).toBe(JSON.stringify(big).length);
  });

  test("that are cut off give nothing, and harm nobody", () => {
    const reader = new MessageReader<FromExecutor>();
    expect(reader.push(frameMessage(message(0, "never")).subarray(0, -1))).toEqual([]);
    expect(reader.push(Buffer.alloc(0))).toEqual([]);
  });
});
