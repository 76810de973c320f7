import type { Readable } from "node:stream";
import { StringDecoder } from "node:string_decoder";

/** Longest line that is waited for; output without line ends is cut there. */
const MAX_LINE = 64_000;

/** Cuts a stream of text into lines; the last one counts also without its end. */
export function onLines(stream: Readable, take: (line: string) => void): void {
  const decoder = new StringDecoder("utf8");
  let rest = "";
  stream.on("data", (piece: Buffer) => {
    const lines = (rest + decoder.write(piece)).split("\n");
    rest = lines.pop() as string;
    for (const line of lines) take(line.endsWith("\r") ? line.slice(0, -1) : line);
    for (; rest.length > MAX_LINE; rest = rest.slice(MAX_LINE)) take(rest.slice(0, MAX_LINE));
  });
  stream.on("end", () => {
    rest += decoder.end();
    if (rest !== "") take(rest);
    rest = "";
  });
}
