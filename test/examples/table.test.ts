import { expect, test } from "vitest";
import { formatTable } from "../../examples/table.ts";

test("a table aligns its columns, numbers to the right, and leaves no blanks at the ends of lines", () => {
  const text = formatTable(
    [{ title: "word" }, { title: "count", align: "right" }, { title: "note" }],
    [
      ["of", "12,345", ""],
      ["shall", "7", "old"],
    ],
  );
  expect(text).toBe(
    [
      "  word    count  note",
      "  -----  ------  ----", //
      "  of     12,345",
      "  shall       7  old",
    ].join("\n"),
  );
  expect(formatTable([{ title: "empty" }], [])).toBe("  empty\n  -----");
});
