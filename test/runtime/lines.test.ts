import { PassThrough } from "node:stream";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type LogLine, readLogLine, writeLogLine } from "../../runtime/log-lines.ts";
import { onLines } from "../../runtime/output-lines.ts";

/** What a stream of these pieces is cut into. */
async function cut(pieces: readonly Uint8Array[]): Promise<string[]> {
  const stream = new PassThrough();
  const lines: string[] = [];
  onLines(stream, (line) => lines.push(line));
  for (const piece of pieces) stream.write(piece);
  stream.end();
  await new Promise((resolve) => stream.on("end", resolve));
  return lines;
}

/** Bytes in pieces that heed neither lines nor characters. */
const pieces = (text: string, size: number) => {
  const bytes = Buffer.from(text);
  return Array.from({ length: Math.ceil(bytes.length / size) }, (_, at) => bytes.subarray(at * size, (at + 1) * size));
};

describe("a log line", () => {
  const line: LogLine = { runId: "r", task: 3, attempt: 2, level: "warn", text: "words" };

  test("comes through as it was, whatever it says", () => {
    const texts = fc.oneof(fc.string({ unit: "binary" }), fc.constantFrom("a\nb", "\u001e", "\u2028", "[31m", ""));
    fc.assert(
      fc.property(texts, fc.nat(), (text, task) => {
        const written = writeLogLine({ ...line, task, text });
        expect(written.indexOf("\n")).toBe(written.length - 1);
        expect(readLogLine(written.slice(0, -1))).toEqual({ ...line, task, text });
      }),
    );
  });

  test("is cut where nobody would read on, and says so", () => {
    const read = readLogLine(writeLogLine({ ...line, text: "x".repeat(1_000_000) }).trimEnd());
    expect(read?.text).toMatch(/^x{16000}… \(984000 characters cut\)$/);
  });

  test.each([
    "plain output",
    "",
    "\u001e",
    "\u001enot JSON",
    "\u001e{}",
    "\u001e[1,2]",
    "\u001enull",
    '\u001e["r",1,1,"loud","x"]',
  ])("is told from other output: %j", (output) => expect(readLogLine(output)).toBeUndefined());
});

describe("output", () => {
  test("is cut into lines, however it comes", async () => {
    const text = "first\r\nsecond\n\ngrüße \u{1f30d}\nwithout end";
    for (const size of [1, 2, 3, 7, 1_000]) {
      expect(await cut(pieces(text, size))).toEqual(["first", "second", "", "grüße \u{1f30d}", "without end"]);
    }
  });

  test("without line ends does not pile up", async () => {
    const lines = await cut(pieces("x".repeat(200_000), 10_000));
    expect(lines.map(({ length }) => length)).toEqual([64_000, 64_000, 64_000, 8_000]);
  });

  test("that breaks off in the middle of a character loses no more than that", async () => {
    expect(await cut([Buffer.from("ab€").subarray(0, 3)])).toEqual(["ab\ufffd"]);
    expect(await cut([])).toEqual([]);
  });
});
