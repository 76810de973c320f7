import { expect, test } from "vitest";
import { depthFor } from "../../sdk/core/pack-depth.ts";

const MB = 1_000_000;

test.each([
  { what: "nothing yet", there: [], added: 0, depth: 0 },
  { what: "as much as one partition holds", there: [], added: MB, depth: 0 },
  { what: "a little more", there: [], added: MB + 1, depth: 1 },
  { what: "with what is there", there: [[0, 900_000]], added: 200_000, depth: 1 },
  { what: "little beside much", there: [[0, 900_000]], added: 100_000, depth: 0 },
  { what: "sixteen times as much", there: [[0, MB]], added: 16 * MB, depth: 1 },
  {
    what: "where the first two are full",
    there: [
      [0, MB],
      [1, MB],
    ],
    added: 1,
    depth: 2,
  },
  {
    what: "room that deletions have left",
    there: [
      [0, MB],
      [1, 10],
      [2, MB],
    ],
    added: 1_000,
    depth: 1,
  },
  { what: "a million small ones", there: [], added: 100 * MB, depth: 2 },
  { what: "more than all depths hold", there: [], added: 1e12, depth: 4 },
] as const)("results go by as few digits as leave room: $what", ({ there, added, depth }) => {
  expect(depthFor(new Map(there), added)).toBe(depth);
});
