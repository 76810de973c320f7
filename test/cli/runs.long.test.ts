import { Lab, type RunInfo, task } from "stratolab";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { openLocalStores } from "../../sdk/stores/local/open.ts";
import { runKey } from "../../sdk/wire/keys.ts";
import { Project } from "../support/project.ts";
import { cli } from "./run-cli.ts";

const work = task({ name: "work", run: (_params: { what: string }) => 1 });

/** A project with a few runs that are over, and a lab in this process for one that is not. */
const project = new Project({
  "tasks.ts": `
    import { task } from "stratolab";
    export const work = task({
      name: "work",
      run: async ({ what }, ctx) => {
        if (what === "fail") throw new Error("\\u001b[31mred\\nsecond line");
        while (what === "wait" && !ctx.signal.aborted) await new Promise((resolve) => setTimeout(resolve, 10));
        return 1;
      },
    });
  `,
});
let lab: Lab;

beforeAll(async () => {
  const tasks = project.path("tasks.ts");
  const common = { tasks, runner: "inline", progress: false, storage: project.path(".stratolab") } as const;
  lab = new Lab(common);
  await using other = new Lab({ ...common, namespace: "other" });
  await lab.runTask(work({ what: "a" }), { name: "nightly", tags: ["a", "b"] });
  await lab.start([work({ what: "a" }), work({ what: "fail" })], { name: "nightly", tags: ["b"] }).settled();
  await other.runTask(work({ what: "b" }), { name: "elsewhere" });
  await lab.runs();
});

afterAll(async () => {
  await lab.close();
  project[Symbol.dispose]();
});

const listed = async (...args: string[]): Promise<RunInfo[]> =>
  JSON.parse((await cli(project.folder, ["runs", ...args, "--json"])).stdout);

describe("stratolab runs", () => {
  test("lists runs as a table, newest first", async () => {
    const { exitCode, stdout, stderr } = await cli(project.folder, ["runs"]);
    expect([exitCode, stderr]).toEqual([0, ""]);
    const [head, ...rows] = stdout.trimEnd().split("\n");
    expect(head).toMatch(/^RUN +NAME +TAGS +STATUS +BEGAN +TOOK +DONE +FAILED$/);
    expect(rows).toHaveLength(2);
    expect(rows[0]).toMatch(/^\S+ +nightly +b +failed +\d{4}-\d\d-\d\d \d\d:\d\d:\d\d +\d+\.\d s +1\/2 +1$/);
    expect(rows[1]).toMatch(/^\S+ +nightly +a,b +ok .* 1\/1 +0$/);
  });

  test("prints for machines what lab.runs gives, and takes the same filters", async () => {
    expect(await listed()).toEqual(await lab.runs());
    expect((await listed("--status", "ok")).map(({ tags }) => tags)).toEqual([["a", "b"]]);
    expect((await listed("--tag", "a")).length).toBe(1);
    expect((await listed("--name", "nightly", "--limit", "1")).map(({ status }) => status)).toEqual(["failed"]);
    expect((await listed("--since", "1h")).length).toBe(2);
    expect(await listed("--since", "2126-01-01")).toEqual([]);
    expect((await listed("--namespace", "other")).map(({ name }) => name)).toEqual(["elsewhere"]);
  });

  test.each([
    [["--status", "done"], /'done' is invalid. Allowed choices are running, ok, failed, cancelled, interrupted/],
    [["--since", "soon"], /it is a time such as 30m, 2h or 7d, or a date/],
    [["--limit", "none"], /it is a whole number, at least 1/],
    [["show"], /missing required argument 'run'/],
  ])("refuses %j", async (args, message) => {
    const { exitCode, stdout, stderr } = await cli(project.folder, ["runs", ...args]);
    expect([exitCode, stdout]).toEqual([2, ""]);
    expect(stderr).toMatch(message);
  });
});

describe("stratolab runs show", () => {
  test("shows the newest run of a name, with nothing that a terminal would obey", async () => {
    const { exitCode, stdout } = await cli(project.folder, ["runs", "show", "nightly"]);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(
      /^run +\d{8}-\S+\nname +nightly\ntags +b\nstatus +failed\nrunner +inline\ndriver +\S+, process \d+\n/,
    );
    expect(stdout).toContain("tasks   2: 0 done, 1 cached, 0 running, 0 pending\n        1 failed, 0 cancelled\n");
    expect(stdout).toContain("first failures:");
    expect(stdout).not.toContain("\u001b");
    expect(stdout).toContain("\\x1b[31mred");
  });

  test("shows a run by its id", async () => {
    const [, first] = await lab.runs();
    const { stdout } = await cli(project.folder, ["runs", "show", first.id, "--json"]);
    expect(JSON.parse(stdout)).toEqual({ ...first, elapsedMs: expect.any(Number), types: [expect.any(Object)] });
  });

  test("says what AWS has refused of it, by service, and how long tasks were held back, and nothing where that is nothing", async () => {
    const [, first] = await lab.runs();
    const stores = await openLocalStores(project.path(".stratolab"));
    const refused = { reads: 1, writes: 20, gets: 3, launches: 2 };
    const tell = (each: object) =>
      stores.table.merge(runKey("default", first.id), { rf: JSON.stringify(each), hm: 2_300 });
    const show = async () => (await cli(project.folder, ["runs", "show", first.id])).stdout;
    expect(await show()).not.toContain("refused");
    await tell(refused);
    expect(await show()).toMatch(
      /\ncost .*\nheld {4}2\.3 s: ready, but beyond what AWS takes at a time\nrefused 1 read and 20 writes by DynamoDB, 3 GETs by S3, 2 launches by ECS; made again\n/,
    );
    const { stdout } = await cli(project.folder, ["runs", "show", first.id, "--json"]);
    expect(JSON.parse(stdout)).toMatchObject({ refused, heldMs: 2_300 });
    await stores.table.close();
  });

  test.each(["nihgtly", "elsewhere", "20261121-022500123-000000"])("says that there is no run %s", async (run) => {
    expect(await cli(project.folder, ["runs", "show", run])).toEqual({
      exitCode: 1,
      stdout: "",
      stderr: `stratolab: there is no run "${run}"; "stratolab runs" lists those there are\n`,
    });
  });
});

describe("stratolab runs cancel and delete", () => {
  test("end a run that another process drives, and then forget it", async () => {
    const run = lab.start([work({ what: "wait" })], { name: "waiting" });
    await vi.waitFor(async () => expect((await lab.runs({ status: "running" })).length).toBe(1), { timeout: 10_000 });
    const refused = await cli(project.folder, ["runs", "delete", "waiting"]);
    expect(refused).toMatchObject({
      exitCode: 1,
      stderr: `stratolab: run ${run.id} still runs: "stratolab runs cancel ${run.id}" ends it\n`,
    });
    const asked = await cli(project.folder, ["runs", "cancel", "waiting"]);
    expect(asked.stdout).toMatch(`run ${run.id} is told to end`);
    await expect(run.results()).rejects.toMatchObject({ kind: "cancelled" });
    await lab.runs();
    const again = await cli(project.folder, ["runs", "cancel", run.id]);
    expect(again.stderr).toBe(`stratolab: run ${run.id} cannot be cancelled: it has ended (cancelled)\n`);
    expect((await cli(project.folder, ["runs", "delete", run.id])).stdout).toBe(`run ${run.id} is forgotten\n`);
    expect((await lab.runs()).length).toBe(2);
    expect((await cli(project.folder, ["runs", "delete", run.id])).exitCode).toBe(1);
  });
});
