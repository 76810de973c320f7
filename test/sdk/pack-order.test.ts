import { expect, test } from "vitest";
import { inPackOrder } from "../../sdk/driver/pack-order.ts";
import type { TaskEntry } from "../../sdk/driver/task-entry.ts";

const entryOf = (name: string, key: string) => ({ planned: { name, key } }) as TaskEntry;
const keysOf = (entries: readonly TaskEntry[]) => entries.map(({ planned }) => planned.key).join(" ");

test("tasks whose results lie together follow each other, and all others keep their places", () => {
  const [a, b] = [
    ["b1", "c0", "a3", "b0", "c1", "a0"],
    ["z9", "y8", "z7"],
  ];
  const entries = [...a.slice(0, 3).map((key) => entryOf("deep", key)), ...b.map((key) => entryOf("flat", key))];
  entries.push(...a.slice(3).map((key) => entryOf("deep", key)));
  expect(keysOf(inPackOrder(entries, (name) => (name === "deep" ? 1 : 0)))).toBe("b0 b1 c0 z9 y8 z7 c1 a0 a3");
  expect(inPackOrder(entries, () => 0)).toBe(entries);
});
