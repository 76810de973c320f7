import { existsSync } from "node:fs";
import { join } from "node:path";
import { Lab, task } from "stratolab";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Project } from "../support/project.ts";
import { cli } from "./run-cli.ts";

const train = task({ name: "train", run: (params: { seed: number; note?: string }) => params.seed });
const best = task({ name: "best", run: ({ of }: { of: readonly number[] }) => Math.max(...of) });

/** A project whose lab has run a few tasks. */
const project = new Project({
  "tasks.ts": `
    import { task } from "stratolab";
    export const train = task({ name: "train", run: ({ seed }) => seed });
    export const best = task({ name: "best", run: ({ of }) => new Float64Array(1000) });
  `,
});

beforeAll(async () => {
  const common = { tasks: project.path("tasks.ts"), runner: "inline", progress: false } as const;
  const storage = project.path(".stratolab");
  await using lab = new Lab({ ...common, storage });
  await using other = new Lab({ ...common, storage, namespace: "other" });
  await lab.runTasks([best({ of: [train({ seed: 1 }), train({ seed: 2, note: "\u001b[31mred\nline" })] })]);
  await other.runTask(train({ seed: 3 }));
});

afterAll(() => project[Symbol.dispose]());

describe("stratolab tasks", () => {
  test("lists what is stored as a table, oldest first", async () => {
    const { exitCode, stdout, stderr } = await cli(project.folder, ["tasks"]);
    expect([exitCode, stderr]).toEqual([0, ""]);
    const [head, ...rows] = stdout.trimEnd().split("\n");
    expect(head).toMatch(/^TASK +PARAMS +ENDED +TOOK +MEMORY +RESULT$/);
    expect(rows.map((row) => row.split(/ {2,}/)[0])).toEqual(["train", "train", "best"]);
    expect(rows[0]).toMatch(/^train +\{ seed: 1 \} +\d{4}-\d\d-\d\d \d\d:\d\d:\d\d +\d+\.\d s +\d+ MB +\d+ B$/);
    expect(rows[2]).toContain("{ of: [ train(…), train(…) ] }");
    expect(rows[2]).toMatch(/8\.1 KB$/);
  });

  test("prints nothing of params that a terminal would obey", async () => {
    const { stdout } = await cli(project.folder, ["tasks", "train"]);
    expect(stdout).not.toContain("\u001b");
    expect(stdout).toContain("\\x1B[31mred");
    expect(stdout.trimEnd().split("\n").length).toBe(3);
  });

  test("prints JSON for machines", async () => {
    const { stdout } = await cli(project.folder, ["tasks", "best", "--json"]);
    expect(JSON.parse(stdout)).toEqual([
      {
        name: "best",
        params: "{ of: [ train(…), train(…) ] }",
        key: expect.stringMatching(/^[0-9a-f]{32,64}$/),
        version: expect.stringMatching(/^[0-9a-f]{16}$/),
        endedAt: expect.stringMatching(/^\d{4}-.*Z$/),
        durationMs: expect.any(Number),
        peakMemoryMb: expect.any(Number),
        bytes: expect.any(Number),
      },
    ]);
  });

  test("looks into the namespace and the storage it is given", async () => {
    const [own] = JSON.parse((await cli(project.folder, ["tasks", "--namespace", "other", "--json"])).stdout);
    expect(own.params).toBe("{ seed: 3 }");
    const elsewhere = await cli(join(project.folder, ".."), [
      "tasks",
      "--storage",
      project.path(".stratolab"),
      "--json",
    ]);
    expect(JSON.parse(elsewhere.stdout).length).toBe(3);
    const nothing = await cli(project.folder, ["tasks", "--namespace", "empty", "--json"]);
    expect([nothing.exitCode, nothing.stdout]).toEqual([0, "[]\n"]);
  });

  test("names the tasks there are where there are none of a name", async () => {
    expect(await cli(project.folder, ["tasks", "trian"])).toEqual({
      exitCode: 1,
      stdout: "",
      stderr: 'stratolab: no results of a task "trian" are stored; there are some of: best, train\n',
    });
  });

  test("makes no storage where there is none", async () => {
    using empty = new Project({});
    expect(await cli(empty.folder, ["tasks"])).toEqual({
      exitCode: 1,
      stdout: "",
      stderr: "stratolab: there are no results in .stratolab: give --storage, or run this where your script runs\n",
    });
    expect(existsSync(empty.path(".stratolab"))).toBe(false);
  });

  test("says in one line what is wrong with a folder that is no storage", async () => {
    using wrong = new Project({ "file.txt": "text" });
    const { exitCode, stdout, stderr } = await cli(wrong.folder, ["tasks", "--storage", "file.txt"]);
    expect([exitCode, stdout]).toEqual([1, ""]);
    expect(stderr).toMatch(/^stratolab: .*file\.txt.*\n$/);
  });

  test("takes the runner from the environment, and refuses one that there is not", async () => {
    const { exitCode, stderr } = await cli(project.folder, ["tasks"], { STRATOLAB_RUNNER: "ray" });
    expect(exitCode).toBe(1);
    expect(stderr).toBe(
      'stratolab: the environment variable STRATOLAB_RUNNER must be "local", "aws", "inline", got "ray"\n',
    );
    const inline = await cli(project.folder, ["tasks", "--json"], { STRATOLAB_RUNNER: "inline" });
    expect(JSON.parse(inline.stdout).length).toBe(3);
  });

  test("says in one line that AWS cannot be asked", async () => {
    const { exitCode, stdout, stderr } = await cli(project.folder, ["tasks", "--runner", "aws", "--stack", "None"], {
      AWS_ENDPOINT_URL: "http://127.0.0.1:9",
      AWS_REGION: "eu-north-1",
      AWS_ACCESS_KEY_ID: "x",
      AWS_SECRET_ACCESS_KEY: "x",
      AWS_MAX_ATTEMPTS: "1",
    });
    expect([exitCode, stdout]).toEqual([1, ""]);
    expect(stderr).toMatch(/^stratolab: [^\n]+\n$/);
  });
});

test("several returns of a task go with its result, though the command has not imported it", async () => {
  using other = new Project({
    "tasks.ts": `
      import { task } from "stratolab";
      export const halves = task({ name: "halves", returns: 2, run: () => [new Float64Array(9_000), new Float64Array(9_000)] });
    `,
  });
  const halves = task({ name: "halves", returns: 2, run: (): [Float64Array, Float64Array] => [] as never });
  await using lab = new Lab({
    tasks: other.path("tasks.ts"),
    storage: other.path(".stratolab"),
    runner: "inline",
    progress: false,
  });
  await lab.runTask(halves());
  await lab.close();
  const results = async () => {
    const listed = JSON.parse((await cli(other.folder, ["objects", "--json"])).stdout) as { object: string }[];
    return listed.filter(({ object }) => object.startsWith("results/")).length;
  };
  expect(await results()).toBe(2);
  expect((await cli(other.folder, ["tasks", "halves", "--delete"])).stdout).toBe("deleted 1 result\n");
  expect(await results()).toBe(0);
});
