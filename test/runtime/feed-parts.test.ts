import fc from "fast-check";
import { expect, test } from "vitest";
import { linesInParts, reportsInParts } from "../../runtime/feed-parts.ts";
import { packFeedEntry } from "../../sdk/wire/feed.ts";
import type { AttemptReport } from "../../sdk/wire/invocation.ts";

const usage = {
  startedAt: 1,
  endedAt: 2,
  loadMs: 0,
  runMs: 0,
  storeMs: 0,
  cpuMs: 0,
  peakMemoryMb: 0,
  bytesIn: 0,
  bytesOut: 0,
};
const report = (task: number, bytes: number): AttemptReport => ({
  task,
  attempt: 1,
  outcome: { kind: "ok", value: { inline: new Uint8Array(bytes) }, usage },
});
const line = (text: string) => ({ at: 1, runId: "r", task: 0, attempt: 1, level: "info", text }) as const;

test("small ones go together, in their order, and a large one by itself", () => {
  const reports = Array.from({ length: 100 }, (_, task) => report(task, 5));
  const parts = [...reportsInParts(reports)];
  expect(parts.length).toBeLessThanOrEqual(10);
  expect(parts.flat()).toEqual(reports);
  const mixed = [report(0, 5), report(1, 5_000), report(2, 5)];
  expect([...reportsInParts(mixed)].map((part) => part.map(({ task }) => task))).toEqual([[0], [1], [2]]);
  expect([...reportsInParts([])]).toEqual([]);
});

test("a hundred short tasks are told in items of three write units at most, a few of them", () => {
  const counted = (task: number): AttemptReport => {
    const { outcome } = report(task, 12);
    return { task, attempt: 1, outcome: { ...outcome, requests: { reads: 0, writes: 0.1, puts: 0, gets: 0 } } };
  };
  const reports = Array.from({ length: 100 }, (_, task) => counted(task));
  const event = (part: readonly AttemptReport[]) => ({ type: "outcomes" as const, assignment: "123", reports: part });
  const sizes = [...reportsInParts(reports)].map(
    (part) => packFeedEntry({ executor: "e".repeat(32), event: event(part) }).byteLength,
  );
  // Beside the entry an item has its key, a version and a time to live.
  const units = sizes.map((bytes) => Math.ceil((bytes + 160) / 1_024));
  expect(Math.max(...units)).toBeLessThanOrEqual(3);
  expect(units.reduce((sum, each) => sum + each)).toBeLessThanOrEqual(14);
});

test("nothing is lost of lines of any length, and no part is empty", () => {
  fc.assert(
    fc.property(fc.array(fc.string({ maxLength: 4_000 })), (texts) => {
      const parts = [...linesInParts(texts.map(line))];
      expect(parts.flat().map(({ text }) => text)).toEqual(texts);
      expect(parts.every(({ length }) => length > 0)).toBe(true);
    }),
  );
});
