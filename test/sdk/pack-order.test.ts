import { expect, test } from "vitest";
import { inPackOrder } from "../../sdk/driver/pack-order.ts";
import type { TaskEntry } from "../../sdk/driver/task-entry.ts";

const entryOf = (name: string, key: string) => ({ planned: { name, key } }) as TaskEntry;
const byKey = (a: TaskEntry, b: TaskEntry) => (a.planned.key < b.planned.key ? -1 : 1);
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

test("partitions take turns, so that a thousand executors with a task each write into several of them", () => {
  const entries = Array.from({ length: 8_000 }, (_, n) =>
    entryOf("deep", `${(n * 7) % 16}`.padStart(2, "0") + String(n).padStart(5, "0")),
  );
  const ordered = inPackOrder(entries, () => 2);
  expect([...ordered].sort(byKey)).toEqual([...entries].sort(byKey));
  for (let begun = 0; begun + 1_000 <= ordered.length; begun += 1_000) {
    const counts = new Map<string, number>();
    for (const { planned } of ordered.slice(begun, begun + 1_000)) {
      const partition = planned.key.slice(0, 2);
      counts.set(partition, (counts.get(partition) ?? 0) + 1);
    }
    expect(Math.max(...counts.values())).toBeLessThanOrEqual(400);
  }
  // A dispatch of a hundred goes into one or two.
  for (let begun = 0; begun < ordered.length; begun += 100) {
    const prefixes = new Set(ordered.slice(begun, begun + 100).map(({ planned }) => planned.key.slice(0, 2)));
    expect(prefixes.size).toBeLessThanOrEqual(2);
  }
});
