import { describe, expect, test } from "vitest";
import type { Assignment } from "../../sdk/wire/attempt.ts";
import { packFeedEntry, unpackFeedEntry } from "../../sdk/wire/feed.ts";
import { type InvocationResult, readPayload, readResponse, toPayload, toResponse } from "../../sdk/wire/invocation.ts";
import { PROTOCOL_VERSION } from "../../sdk/wire/protocol.ts";
import { withoutBuffers } from "./plain.ts";

const USAGE = {
  startedAt: Date.UTC(2026, 10, 21),
  endedAt: Date.UTC(2026, 10, 21) + 5,
  loadMs: 0.25,
  runMs: 4.5,
  storeMs: 0,
  cpuMs: 3,
  peakMemoryMb: 120,
  bytesIn: 2 ** 40,
  bytesOut: 10,
};
const ASSIGNMENT: Assignment = {
  protocol: PROTOCOL_VERSION,
  id: "17",
  runId: "20261121-022500-k3f9",
  epoch: 1,
  runStartedAt: 1_700_000_000_000,
  namespace: "default",
  bundle: "b".repeat(64),
  attempts: [
    {
      task: 0,
      attempt: 2,
      key: "k".repeat(32),
      name: "größe",
      version: "v:1",
      params: { inline: Uint8Array.from({ length: 256 }, (_, byte) => byte) },
      inputs: { dep: { object: "results/ab/x", bytes: 2 ** 33, hash: "h" } },
      resources: { numCpus: 1, numGpus: 0, timeoutMs: 1_000 },
      generation: 0,
    },
  ],
  feed: { name: "lab", shards: 1, shard: 4 },
  awaited: false,
  inlineBytes: 2_048,
};

const overJson = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;

describe("what a Lambda function is invoked with", () => {
  test("passes through JSON unharmed, bytes and all", () => {
    const payload = toPayload(ASSIGNMENT);
    expect(payload.protocol).toBe(PROTOCOL_VERSION);
    expect(withoutBuffers(readPayload(overJson(payload)))).toEqual(ASSIGNMENT);
  });

  test("takes a third more than its MessagePack, not more", () => {
    const large = { ...ASSIGNMENT, context: { inline: new Uint8Array(100_000) } };
    expect(JSON.stringify(toPayload(large)).length).toBeLessThan(100_000 * 1.34 + 2_000);
  });
});

describe("what a Lambda function answers with", () => {
  test.each<[string, InvocationResult]>([
    ["nothing done", { executor: "e", reports: [], logs: [] }],
    [
      "outcomes, log lines and what broke",
      {
        executor: "2026/11/21/[$LATEST]abc",
        reports: [
          { task: 0, attempt: 1, outcome: { kind: "ok", value: { inline: Uint8Array.of(0, 255) }, usage: USAGE } },
          {
            task: 1,
            attempt: 3,
            outcome: {
              kind: "user-error",
              seen: "Error: no",
              error: { names: ["NetworkError", "Error"], message: "no", encoded: Uint8Array.of(1) },
              usage: USAGE,
            },
          },
        ],
        broken: { kind: "out-of-memory", seen: "600 MB in use", culprit: 2 },
        atServiceLimit: true,
        logs: [{ at: 1, runId: "r", task: 0, attempt: 1, level: "warn", text: "línea\n\u0000" }],
      },
    ],
  ])("passes through JSON unharmed: %s", (_, result) => {
    const response = overJson(toResponse(result));
    expect(response.protocol).toBe(PROTOCOL_VERSION);
    expect(withoutBuffers(readResponse(response))).toEqual(result);
  });
});

describe("what executors tell in a feed", () => {
  test.each([
    { type: "hello" },
    { type: "beat", assignments: ["1", "2"] },
    {
      type: "outcomes",
      assignment: "1",
      reports: [
        { task: 0, attempt: 1, outcome: { kind: "ok", value: { object: "o", bytes: 1, hash: "h" }, usage: USAGE } },
      ],
    },
    { type: "broken", assignment: "1", failure: { kind: "timeout", seen: "late" }, atServiceLimit: true },
    { type: "logs", lines: [{ at: 1, runId: "r", task: 0, attempt: 1, level: "info", text: "x" }] },
    { type: "terminating" },
    { type: "bye" },
  ] as const)("is packed and unpacked unharmed: $type", (event) => {
    const entry = { executor: "e1", event };
    expect(withoutBuffers(unpackFeedEntry(packFeedEntry(entry)))).toEqual(entry);
  });
});
