import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { inlineJson, withoutOldLines } from "../../dashboard/server/report.ts";
import { driven } from "./told.ts";

const NASTY = ["</script><script>", "<!--", "-->", "]]>", "\u2028", "\u2029", "&lt;", "\\u003c", '"'];

describe("data in a page", () => {
  test("nothing in it is seen by an HTML parser, and JSON it stays", () => {
    const text = fc
      .array(fc.oneof(fc.constantFrom(...NASTY), fc.string({ unit: "binary" })))
      .map((parts) => parts.join(""));
    fc.assert(
      fc.property(text, (value) => {
        const json = inlineJson({ [value]: value });
        expect(json).not.toMatch(/[<>&\u2028\u2029]/);
        expect(JSON.parse(json)).toEqual({ [value]: value });
      }),
    );
  });
});

describe("log lines in a report", () => {
  const line = (task: number, text: string) => ({ type: "log", at: 1, task, attempt: 1, level: "info", text }) as const;

  test("are the last ones of each task, and a notice counts the others", () => {
    const events = [driven(2), line(0, "a"), line(1, "b"), line(0, "c"), line(0, "d")];
    const kept = withoutOldLines(events, 2);
    expect(kept.flatMap((event) => (event.type === "log" ? [event.text] : []))).toEqual(["b", "c", "d"]);
    expect(kept.at(-1)).toMatchObject({ type: "notice", text: expect.stringMatching(/^1 log lines are not/) });
    expect(withoutOldLines(events, 3)).toEqual(events);
  });
});
