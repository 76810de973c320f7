import { Lab, type Run, task } from "stratolab";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { Project } from "../support/project.ts";
import { cli } from "./run-cli.ts";

const work = task({ name: "work", run: (_params: { what: string }) => "" });

const project = new Project({
  "tasks.ts": `
    import { task } from "stratolab";
    export const work = task({
      name: "work",
      run: async ({ what }, ctx) => {
        ctx.log.info("secret");
        while (what === "wait" && !ctx.signal.aborted) await new Promise((resolve) => setTimeout(resolve, 10));
        return "secret";
      },
    });
  `,
});
const labIn = (namespace: string) =>
  new Lab({
    tasks: project.path("tasks.ts"),
    runner: "inline",
    progress: false,
    storage: project.path(".stratolab"),
    namespace,
  });
const [own, foreign] = [labIn("own"), labIn("foreign")];
let running: Run;

beforeAll(async () => {
  await own.runTask(work({ what: "quick" }), { name: "over" });
  running = own.start([work({ what: "wait" })], { name: "going" });
  await vi.waitFor(async () => expect(await own.runs()).toMatchObject([{ counts: { running: 1 } }, { name: "over" }]));
});

afterAll(async () => {
  await Promise.all([own.close(), foreign.close()]);
  project[Symbol.dispose]();
});

test("a lab of another namespace finds no run of this one, by id or name, and none of its results", async () => {
  expect(await foreign.runs()).toEqual([]);
  const [{ id: going }, { id: over }] = await own.runs();
  for (const run of [going, "going", over, "over"]) {
    const unknown = { kind: "unknown-run" };
    await expect(foreign.attach(run)).rejects.toMatchObject(unknown);
    await expect(foreign.summary(run)).rejects.toMatchObject(unknown);
    await expect(foreign.logs(run).next()).rejects.toMatchObject(unknown);
    await expect(foreign.explain(work({ what: "quick" }), { run })).rejects.toMatchObject(unknown);
  }
  expect(await foreign.isCached(work({ what: "quick" }))).toBe(false);
  expect(await foreign.cachedTasks()).toEqual([]);
  expect(await foreign.explain(work({ what: "quick" }))).toMatchObject({ status: "not-run", log: [] });
  // What it cancels, or forgets, is its own.
  await foreign.cancel(work({ what: "wait" }));
  await foreign.uncache([work({ what: "quick" })]);
  expect(await own.isCached(work({ what: "quick" }))).toBe(true);
  expect((await own.runs())[0].status).toBe("running");
});

test("nor does any command", async () => {
  const [{ id: going }, { id: over }] = await own.runs();
  const commands = [
    ...["show", "attach", "cancel", "delete", "results"].map((verb) => (run: string) => ["runs", verb, run]),
    (run: string) => ["logs", run],
    (run: string) => ["summary", run],
    (run: string) => ["tasks", "--run", run],
    (run: string) => ["explain", "work", "--run", run],
    (run: string) => ["report", run, "--out", project.path("report.html")],
  ];
  const foreignly = (args: readonly string[]) => cli(project.folder, [...args, "--namespace", "foreign"]);
  const runs = [going, "going", over, "over"];
  // By id and by name, of a run that goes on or is over, in turn.
  const asked = commands.map((command, index) => command(runs[index % runs.length]));
  for (const args of asked) {
    const { exitCode, stdout, stderr } = await foreignly(args);
    expect([args, exitCode, stdout]).toEqual([args, 1, ""]);
    expect(stderr).toMatch(/^[^\n]*no run[^\n]*\n$/);
  }
  expect((await foreignly(["runs", "--json"])).stdout.trim()).toBe("[]");
  expect((await foreignly(["tasks", "--json"])).stdout.trim()).toBe("[]");
  const odd = await cli(project.folder, ["runs", "--namespace", "own#x"]);
  expect([odd.exitCode, odd.stderr]).toEqual([2, expect.stringContaining("A namespace is 1 to 64 letters")]);
  expect((await own.runs()).map(({ status }) => status)).toEqual(["running", "ok"]);
  await running.cancel();
});
