import { expect, test } from "vitest";
import { HeldTime } from "../../sdk/core/held-time.ts";

test.each([
  [
    "nothing is held back",
    [
      [false, 0],
      [false, 500],
    ],
    0,
  ],
  [
    "something is, for a while",
    [
      [true, 100],
      [false, 400],
      [false, 900],
    ],
    300,
  ],
  [
    "it was looked at meanwhile",
    [
      [true, 100],
      [true, 250],
      [false, 400],
    ],
    300,
  ],
  [
    "it happened twice",
    [
      [true, 0],
      [false, 10],
      [true, 50],
      [false, 70],
    ],
    30,
  ],
  [
    "it goes on",
    [
      [true, 100],
      [true, 300],
    ],
    200,
  ],
  [
    "a clock was set back",
    [
      [true, 100],
      [false, 50],
    ],
    0,
  ],
] as const)("of tasks is counted where %s", (_, noted, totalMs) => {
  const held = new HeldTime();
  for (const [isHeld, at] of noted) held.note(isHeld, at);
  expect(held.totalMs).toBe(totalMs);
});
