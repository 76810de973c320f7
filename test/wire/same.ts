import { expect } from "vitest";
import { findDifference } from "./difference.ts";

/** Holds a value against another one, as strictly as structured cloning has it. */
export function expectSame(actual: unknown, expected: unknown): void {
  const difference = findDifference(actual, expected);
  expect(difference, difference).toBeUndefined();
}
