import { describe, expect, test } from "vitest";
import { runExample, tally, temporaryFolder } from "./run-example.ts";

const folder = temporaryFolder();
const count = (args: readonly string[] = []) => runExample("word-count", args, folder.path);

describe("the word count", () => {
  test("counts what counting in one go counts, with news on the way", async () => {
    const { exitCode, stdout, stderr } = await count();
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
    expect(stdout).toMatch(/^ +1 {2}the +63,919 {2}8\.09 %$/m);
    expect(stdout).toContain("790,406 words, 12,669 different; counting in one go gives the same.");
    const news = stdout.match(/^\d+ of 66 books: .*$/gm) ?? [];
    expect(news).toHaveLength(6);
    expect(news.at(-1)).toContain("66 of 66 books: 790,406 words");
    expect(tally(stdout)).toBe("79 tasks, 0 cached");
  });

  test("has everything in its cache the second time", async () => {
    const { stdout } = await count();
    expect(tally(stdout)).toBe("79 tasks, 79 cached");
    expect(stdout).toContain("790,406 words, 12,669 different");
  });

  test("asks the stored counts another question", async () => {
    const { stdout } = await count(["--min-letters", "6", "--top", "3"]);
    expect(tally(stdout)).toBe("79 tasks, 78 cached");
    expect(stdout).toMatch(/^ +1 {2}israel +2,566 /m);
    expect(stdout).not.toMatch(/^ +4 {2}/m);
  });

  test.each([
    { args: ["--top", "none"], says: "'none' is invalid. It must be a whole number from 1 to 1000." },
    { args: ["--min-letters", "0"], says: "'0' is invalid. It must be a whole number from 1 to 20." },
    { args: ["--bottom"], says: "unknown option '--bottom'" },
  ])("refuses $args in one line", async ({ args, says }) => {
    const { exitCode, stderr } = await count(args);
    expect(exitCode).toBe(1);
    expect(stderr.trimEnd().split("\n")).toEqual([expect.stringContaining(says)]);
  });
});
