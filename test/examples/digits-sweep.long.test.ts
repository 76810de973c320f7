import { mkdtemp } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { type Ended, runExample, tally, temporaryFolder } from "./run-example.ts";
import { results, SMALL } from "./small-sweep.ts";

const folder = temporaryFolder();
const sweep = (args: readonly string[], env?: NodeJS.ProcessEnv) =>
  runExample("digits-sweep", [...SMALL, ...args], folder.path, env);

describe("the digits sweep", () => {
  let first: Ended;

  beforeAll(async () => {
    first = await sweep([]);
  });

  test("gives the same results on another runner", async () => {
    const elsewhere = await mkdtemp(join(folder.path, "elsewhere-"));
    const env = { STRATOLAB_RUNNER: "inline" };
    const inline = await runExample("digits-sweep", SMALL, elsewhere, env);
    expect(tally(inline.stdout)).toBe("44 tasks, 0 cached");
    expect(results(inline)).toBe(results(first));
  });

  test("computes anew what another seed changes, and nothing else", async () => {
    const other = await sweep(["--seed", "2"]);
    expect(tally(other.stdout)).toBe("44 tasks, 1 cached");
    expect(results(other)).not.toBe(results(first));
  });
});

describe("its command line", () => {
  test("explains itself", async () => {
    const { exitCode, stdout } = await sweep(["--help"]);
    expect(exitCode).toBe(0);
    for (const option of ["--digits", "--seed", "--quick", "--out"]) expect(stdout).toContain(option);
  });

  test.each([
    { args: ["--digits", "many"], says: "'many' is invalid. It must be a whole number from 200 to 6000." },
    { args: ["--digits", "5"], says: "'5' is invalid. It must be a whole number from 200 to 6000." },
    { args: ["--seed", "1.5"], says: "'1.5' is invalid." },
    { args: ["--quik"], says: "unknown option '--quik'" },
    { args: ["500"], says: "too many arguments" },
  ])("refuses $args in one line", async ({ args, says }) => {
    const { exitCode, stdout, stderr } = await sweep(args);
    expect(exitCode).toBe(1);
    expect(stderr.trimEnd().split("\n")).toEqual([expect.stringContaining(says)]);
    expect(stdout).toBe("");
  });

  test("tells in one line of a runner that does not exist", async () => {
    const { exitCode, stderr } = await sweep([], { STRATOLAB_RUNNER: "moon" });
    expect(exitCode).toBe(1);
    expect(stderr.trimEnd().split("\n")).toEqual([expect.stringMatching(/^error: .*STRATOLAB_RUNNER.*"moon"/)]);
  });
});
