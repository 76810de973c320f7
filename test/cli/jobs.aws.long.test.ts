import { Lab, type RunInfo, task } from "stratolab";
import { afterAll, describe, expect, test } from "vitest";
import { Project } from "../support/project.ts";
import { cli } from "./run-cli.ts";

const work = task({ name: "work", run: (_params: { what: string }) => 1, runnerOptions: { numCpus: 0.25 } });
const namespace = `jobs-${process.pid}-${Date.now()}`;

const project = new Project({
  "tasks.ts": `
    import { task } from "stratolab";
    export const work = task({
      name: "work",
      runnerOptions: { numCpus: 0.25 },
      run: async ({ what }, ctx) => {
        console.log("at " + what);
        while (what === "wait" && !ctx.signal.aborted) await new Promise((resolve) => setTimeout(resolve, 10));
        return what.length;
      },
    });
  `,
});
/** Where nothing of the project is: whoever comes along from another machine. */
const elsewhere = new Project({});
const lab = new Lab({ tasks: project.path("tasks.ts"), runner: "aws", namespace, progress: false, concurrency: 2 });

afterAll(async () => {
  await lab.close();
  project[Symbol.dispose]();
  elsewhere[Symbol.dispose]();
});

const inNamespace = (name: string, ...args: string[]) =>
  cli(elsewhere.folder, [...args, "--runner", "aws", "--namespace", name], process.env);
const ask = (...args: string[]) => inNamespace(namespace, ...args);

/** A run that a driver in the cloud takes, and this process has nothing to do with. */
const submit = (...whats: string[]) =>
  lab.submit(
    whats.map((what) => work({ what })),
    { name: whats.join("-"), tags: ["job"] },
  );

describe("jobs on AWS, from another folder", () => {
  test("are followed, and their results, logs and history are read, by name", async () => {
    const run = await submit("a", "bcd");
    const attached = await ask("runs", "attach", "a-bcd");
    expect(attached).toMatchObject({ exitCode: 0 });
    expect(attached.stderr).toContain("work");

    const [listed, results, logs, summary, explained] = await Promise.all([
      ask("runs", "--tag", "job", "--status", "ok", "--json"),
      ask("runs", "results", "a-bcd", "--json"),
      ask("logs", "a-bcd"),
      ask("summary", run.id, "--json"),
      ask("explain", "0", "--run", run.id),
    ]);
    expect((JSON.parse(listed.stdout) as RunInfo[]).map(({ id }) => id)).toEqual([run.id]);
    expect(results.stdout).toMatch(/\b1\b[\s\S]*\b3\b/);
    expect(logs.stdout).toMatch(/at a\n|at bcd\n/);
    expect(logs.stdout).toContain("at bcd");
    expect(JSON.parse(summary.stdout)).toMatchObject({ run: { id: run.id }, types: [{ name: "work", total: 2 }] });
    expect(explained.stdout).toContain("lambda");
  });

  test("are cancelled, and then forgotten", async () => {
    const run = await submit("wait");
    expect((await ask("runs", "delete", "wait")).exitCode).toBe(1);
    expect((await ask("runs", "cancel", "wait")).stdout).toContain(`run ${run.id} is told to end`);
    await expect(run.results()).rejects.toMatchObject({ kind: "cancelled" });
    expect((await ask("runs", "delete", run.id)).stdout).toBe(`run ${run.id} is forgotten\n`);
    expect((await ask("runs", "show", run.id)).stderr).toContain(`there is no run "${run.id}"`);
  });

  test("are not there in another namespace", async () => {
    const { id } = (await lab.runs())[0] ?? (await submit("a"));
    for (const command of ["show", "cancel"]) {
      const { exitCode, stderr } = await inNamespace("another", "runs", command, id);
      expect([exitCode, stderr]).toEqual([1, expect.stringContaining(`there is no run "${id}"`)]);
    }
  });
});
