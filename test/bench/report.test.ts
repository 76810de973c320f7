import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { medians } from "../../bench/benchmark.ts";
import { asText, compared, writeInto } from "../../bench/report.ts";

const runs = [2, 3, 10].map((value) => [
  { what: "all", value, unit: "ms", against: { what: "a message", value: 2 }, goal: "5 ms" },
  { what: "calls", value: 7, unit: "calls" },
]);
const ray = { peer: "Ray", what: "all", value: 30, unit: "ms" };
const peers = { figures: [ray, { ...ray, peer: "Other", unit: "of its ideal" }], missing: ["Third is not installed"] };
const report = {
  name: "one",
  workload: "a task",
  runs: 3,
  figures: compared(medians(runs), peers),
  missingPeers: peers.missing,
};

test("a report says median, range, floor, goal and peers, and which are missing", () => {
  expect(asText(report)).toBe(
    [
      "  all: 3 ms (2 to 10)",
      "    1.5 of a message: 2 ms",
      "    goal: 5 ms",
      "    peers, once: Ray 30 ms (0.1 of that), Other 30 of its ideal",
      "  calls: 7 calls",
      "  Third is not installed",
      "",
    ].join("\n"),
  );
});

test("a table goes where a page has its place, and nothing else of the page changes", () => {
  const folder = mkdtempSync(join(tmpdir(), "stratolab-report-"));
  const page = join(folder, "page.md");
  writeFileSync(page, "before\n<!-- bench one -->\nold\n<!-- end -->\nafter\n<!-- bench two -->\nkept\n<!-- end -->\n");
  writeInto(page, report, "2026-11-29");
  writeInto(page, report, "2026-11-30");
  expect(readFileSync(page, "utf8")).toBe(
    [
      "before",
      "<!-- bench one -->",
      "A task. 2026-11-30, median of 3 runs (lowest to highest).",
      "",
      "|  | measured | beside it | peers, once | goal |",
      "| --- | --- | --- | --- | --- |",
      "| all | 3 ms (2 to 10) | 1.5 of a message: 2 ms | Ray 30 ms (0.1 of that), Other 30 of its ideal | 5 ms |",
      "| calls | 7 calls |  |  |  |",
      "<!-- end -->",
      "after",
      "<!-- bench two -->",
      "kept",
      "<!-- end -->",
      "",
    ].join("\n"),
  );
  expect(() => writeInto(page, { ...report, name: "three" }, "2026-11-30")).toThrow("has no place for three");
  rmSync(folder, { recursive: true });
});

test("a peer that was timed for what no figure measures is an error, not lost", () => {
  expect(() => compared(medians(runs), { figures: [{ ...ray, what: "alll" }], missing: [] })).toThrow(
    'Ray was timed for "alll"',
  );
});
