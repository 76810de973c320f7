import fc from "fast-check";
import { expect, test } from "vitest";
import { journalDue } from "../../sdk/core/journal-pace.ts";

/** Some time, in milliseconds since the epoch. */
const NOW = 1.8e12;
const BEGUN = NOW - 60_000;
const standing = { startedAt: BEGUN, writtenAt: NOW - 30, bytes: 500, atStakeMs: 0 };

test.each([
  ["a run that has just begun", { startedAt: NOW, writtenAt: 0, atStakeMs: 1e6 }, 250],
  ["nothing of worth, written a moment ago", {}, 970],
  ["an end, long after the last time", { writtenAt: NOW - 5_000 }, 20],
  ["a dispatch of a second's work, long after the last time", { writtenAt: NOW - 5_000, atStakeMs: 1_000 }, 20],
  ["the same, a moment after the last time", { atStakeMs: 1_000 }, 70],
  ["many short tasks, whose names are most of what is written", { bytes: 24_000, atStakeMs: 1_000 }, 970],
  ["much work in many dispatches", { bytes: 100_000, atStakeMs: 1e6 }, 470],
  ["more than its part of the table takes in a second", { bytes: 1_000_000, atStakeMs: 1e6 }, 4_970],
])("%s", (_, changes, afterMs) => {
  expect(journalDue({ ...standing, ...changes }, NOW) - NOW).toBe(afterMs);
});

test("what else is dispatched never delays it, nor takes more of the table than its part", () => {
  const size = fc.nat(1_000_000);
  fc.assert(
    fc.property(size, size, size, fc.nat(10_000), (bytes, atStakeMs, more, agoMs) => {
      const one = { ...standing, writtenAt: NOW - agoMs, bytes, atStakeMs };
      const due = journalDue(one, NOW);
      expect(journalDue({ ...one, atStakeMs: atStakeMs + more }, NOW)).toBeLessThanOrEqual(due);
      expect(bytes / (due - one.writtenAt)).toBeLessThanOrEqual(200.01);
    }),
  );
});
