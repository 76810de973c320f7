import { existsSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { LabLife } from "../../sdk/stores/lab-life.ts";
import { Sweep } from "../../sdk/stores/sweep.ts";
import { DAY_MS } from "../gc/age.ts";
import { GcBench } from "../gc/gc-bench.ts";
import { Project } from "../support/project.ts";
import { cli } from "./run-cli.ts";

let bench: GcBench;
beforeEach(async () => {
  bench = await GcBench.make();
});
afterEach(() => bench[Symbol.asyncDispose]());

const gc = (...args: readonly string[]) => cli(bench.stores.folder, ["gc", "--storage", bench.stores.folder, ...args]);

/** A result of twenty days ago, an orphan, and one that is young. */
async function fill(): Promise<string[]> {
  const objects = await bench.result({
    name: "t",
    value: "x".repeat(2_000),
    params: 1,
    large: true,
    endedAt: Date.now() - 20 * DAY_MS,
  });
  await bench.orphan("content/ab/lost", 5_000);
  await bench.ageAll(20 * DAY_MS);
  await bench.orphan("content/ab/young");
  return objects;
}

describe("stratolab gc", () => {
  test("removes what nothing refers to, and says how much", async () => {
    const objects = await fill();
    const { exitCode, stdout, stderr } = await gc();
    expect([exitCode, stderr]).toEqual([0, ""]);
    const [head, row, last] = stdout.trimEnd().split("\n");
    expect(head).toMatch(/^KIND +REMOVED +SIZE$/);
    expect(row).toMatch(/^content +1 +5\.0 KB$/);
    expect(last).toMatch(/^freed 5\.0 KB; 3 objects stay \(2\.\d KB\)$/);
    expect(await bench.keys()).toEqual([...objects, "content/ab/young"].sort());
    expect((await gc()).stdout).toMatch(/^freed 0 B; 3 objects stay/);
  });

  test("removes nothing when it is only asked what it would", async () => {
    await fill();
    const before = await bench.keys();
    const { stdout } = await gc("--dry-run", "--older-than", "2w");
    expect(stdout).toMatch(/^KIND +WOULD GO +SIZE\n/);
    expect(stdout).toMatch(/^old results +1$/m);
    expect(stdout).toMatch(/^would free /m);
    expect(await bench.keys()).toEqual(before);
  });

  test("removes old results where it is asked to, and prints JSON for machines", async () => {
    await fill();
    const none = JSON.parse((await gc("--older-than", "30d", "--json", "--dry-run")).stdout);
    expect(none.removed).toEqual({ content: { count: 1, bytes: 5_000 } });
    const other = JSON.parse((await gc("--older-than", "2w", "--namespace", "other", "--json", "--dry-run")).stdout);
    expect(other.removed).toEqual(none.removed);
    const report = JSON.parse((await gc("--older-than", "2w", "--json")).stdout);
    expect(report).toMatchObject({
      dryRun: false,
      removed: { "old results": { count: 1 }, results: { count: 1 }, content: { count: 2 } },
      kept: { count: 1, bytes: 100 },
      labs: [],
    });
    expect(await bench.keys()).toEqual(["content/ab/young"]);
  });

  test("goes by the grace that it is given", async () => {
    const key = await bench.orphan("content/ab/x");
    await bench.age(key, DAY_MS / 2);
    await gc();
    expect(await bench.keys()).toEqual([key]);
    await gc("--grace", "6h");
    expect(await bench.keys()).toEqual([]);
  });

  test("says that labs are there, and keeps what they may use", async () => {
    const objects = await fill();
    const life = await LabLife.begin(bench.stores.table, "lab");
    const { stdout } = await gc("--older-than", "1d");
    await life.end();
    expect(stdout).toMatch(/^1 lab may still be there, the first since \d{4}-.*Z: what came or was used after/m);
    expect(stdout).toMatch(/^1 old results stay as long as there are labs, which may use them$/m);
    expect(await bench.keys()).toEqual([...objects, "content/ab/young"].sort());
  });

  test("does not begin while another is going on", async () => {
    await using _other = await Sweep.begin(bench.stores.table);
    const { exitCode, stdout, stderr } = await gc();
    expect([exitCode, stdout]).toEqual([1, ""]);
    expect(stderr).toMatch(/^stratolab: another clean-up of these results is going on; [^\n]+\n$/);
  });

  test.each([
    [["--older-than", "30"], /option '--older-than <age>' argument '30' is invalid\. An age is a number above 0/],
    [["--older-than", "0d"], /An age is a number above 0/],
    [["--older-than", "-1d"], /An age is a number above 0/],
    [["--older-than", "soon"], /An age is a number above 0/],
    [["--grace", "10m"], /option '--grace <age>' argument '10m' is invalid\. It is at least 60m/],
    [["--older-than", "1d", "--namespace", "a b"], /A namespace is 1 to 64 letters/],
    [["--namespace", "other"], /--namespace says whose results --older-than removes: give both or neither/],
    [["--everything"], /unknown option '--everything'/],
    [["content"], /too many arguments/],
  ])("refuses %j by name and removes nothing", async (args, message) => {
    await fill();
    const before = await bench.keys();
    const { exitCode, stdout, stderr } = await gc(...args);
    expect([exitCode, stdout]).toEqual([2, ""]);
    expect(stderr).toMatch(message);
    expect(stderr).not.toMatch(/^\s+at /m);
    expect(await bench.keys()).toEqual(before);
  });

  test("makes no storage where there is none", async () => {
    using empty = new Project({});
    const { exitCode, stderr } = await cli(empty.folder, ["gc"]);
    expect([exitCode, stderr]).toEqual([
      1,
      "stratolab: there are no results in .stratolab: give --storage, or run this where your script runs\n",
    ]);
    expect(existsSync(join(empty.folder, ".stratolab"))).toBe(false);
  });
});
