import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { SaxesParser } from "saxes";
import { describe, expect, test } from "vitest";
import { type Ended, runExample, tally, temporaryFolder } from "./run-example.ts";
import { results, SMALL } from "./small-sweep.ts";

const folder = temporaryFolder();
const sweep = (args: readonly string[], env?: NodeJS.ProcessEnv) =>
  runExample("digits-sweep", [...SMALL, ...args], folder.path, env);
const chart = () => readFile(join(folder.path, "out", "accuracy.svg"), "utf8");

describe("the digits sweep", () => {
  let first: Ended;

  test("finds a good model, says how good it is, and draws a chart", async () => {
    first = await sweep([]);
    expect(first).toMatchObject({ exitCode: 0, stderr: expect.stringContaining("18/18 evaluateModel") });
    expect(tally(first.stdout)).toBe("44 tasks, 0 cached");
    expect(first.stdout).toMatch(/^ +1 {2}kernel machine/m);
    const [, accuracy] = /: ([\d.]+) % of 500 test digits right/.exec(first.stdout) ?? [];
    expect(Number(accuracy)).toBeGreaterThan(85);
    expect(first.stdout).toContain(`Chart: ${join("out", "accuracy.svg")}`);
    const svg = await chart();
    expect(() => new SaxesParser().write(svg).close()).not.toThrow();
    expect(svg).toContain(`${accuracy} % of 500 test digits right`);
  });

  test("has everything in its cache the second time", async () => {
    const drawn = await chart();
    const second = await sweep([]);
    expect(tally(second.stdout)).toBe("44 tasks, 44 cached");
    expect(results(second)).toBe(results(first));
    expect(await chart()).toBe(drawn);
  });
});
