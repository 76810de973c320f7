import { execFileSync } from "node:child_process";
import { symlinkSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Project } from "../support/project.ts";
import { cli } from "./run-cli.ts";

const TASKS = `
import { task } from "stratolab";
export const square = task({ name: "square", run: ({ n }: { n: number }) => n * n });
export const sum = task({ name: "sum", run: ({ values }: { values: number[] }) => values.reduce((a, b) => a + b) });
export const huge = task({ name: "huge", runnerOptions: { memoryMb: 1e9 }, run: ({ n }: { n: number }) => n });
`;
const SCRIPT = `
import { Lab } from "stratolab";
import { count } from "./count.ts";
import { square, sum } from "./tasks.ts";
enum Mode { Fast } // what Node 20 cannot run by itself
await using lab = new Lab({ tasks: import.meta.resolve("./tasks.ts"), progress: false });
console.log("from", import.meta.filename.split("/").at(-1), Mode[0], process.argv[2]);
const values = Array.from({ length: count }, (_, n) => square({ n }));
lab.start(values, { name: "squares" });
console.log("the sum is", await lab.runTask(sum({ values })));
`;

let project: Project;
beforeAll(() => {
  project = new Project({ "tasks.ts": TASKS, "main.ts": SCRIPT, "count.ts": "export const count: number = 3;" });
  project.write("node_modules/.keep", "");
  symlinkSync(fileURLToPath(new URL("../..", import.meta.url)), project.path("node_modules/stratolab"));
});
afterAll(() => project[Symbol.dispose]());

const plan = (...args: string[]) => cli(project.folder, ["plan", ...args]);

describe("stratolab plan", () => {
  test("tells what each run of a TypeScript script would do, and ends it where it needs a result", async () => {
    const { exitCode, stdout, stderr } = await plan("main.ts", "argument");
    expect(stdout).toMatch(
      /^squares: 3 tasks, 0 cached, 3 to run\nTASK .*\nsquare +3 +local +not known +\$0 +this machine\nnot cached of square: never computed \(3\)\nnever measured/,
    );
    expect(stdout).toMatch(/\n\nrun: 4 tasks, 0 cached, 4 to run\n/);
    expect(stderr).toBe("from main.ts Fast argument\nmain.ts stops here: it needs the results of this run to go on\n");
    expect(exitCode).toBe(0);
  });

  test("tells nothing but JSON on standard output where that is asked for", async () => {
    const { exitCode, stdout } = await plan("--json", "main.ts");
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      plans: [{ name: "squares", toRun: 3, unmeasured: ["square"] }, { total: 4 }],
      errors: [],
      stopped: true,
    });
  });

  test("names what no executor can run, and what is wrong with a run; exit code 1", async () => {
    const made = (code: string) => `
      import { Lab } from "stratolab";
      import { huge, square } from "./tasks.ts";
      await using lab = new Lab({ tasks: import.meta.resolve("./tasks.ts"), progress: false });
      lab.start([${code}]);`;
    project.write("huge.ts", made("huge({ n: 1 })"));
    const infeasible = await plan("huge.ts");
    expect(infeasible.stdout).toMatch(/cannot run huge\(.*\): no executor can run .*memoryMb/);
    project.write("wrong.ts", made("square({ n: (() => 1) as never })"));
    const wrong = await plan("wrong.ts");
    expect(wrong.stderr).toMatch(/^stratolab: task square: params\.n/);
    expect([infeasible.exitCode, wrong.exitCode]).toEqual([1, 1]);
  });

  test("neither submits nor takes up a run", async () => {
    const made = (code: string) => `
      import { Lab } from "stratolab";
      import { square } from "./tasks.ts";
      await using lab = new Lab({ tasks: import.meta.resolve("./tasks.ts"), progress: false });
      console.log(${code});`;
    project.write("submit.ts", made('await (await lab.submit([square({ n: 1 })], { name: "there" })).results()'));
    const { stdout, stderr } = await plan("submit.ts");
    expect(stdout).toMatch(/^there: 1 tasks?, 0 cached, 1 to run\n/);
    expect(stderr).toMatch(/^submit\.ts stops here/);
    project.write("attach.ts", made('await (await lab.attach("there")).results()'));
    expect((await plan("attach.ts")).stderr).toMatch(/^attach\.ts stops here/);
  });

  test("says why there is no plan", async () => {
    expect(await plan("nowhere.ts")).toEqual({
      exitCode: 1,
      stdout: "",
      stderr: "stratolab: there is no script nowhere.ts\n",
    });
    project.write("broken.ts", "const = 1;");
    expect((await plan("broken.ts")).stderr).toMatch(
      /^stratolab: the script broken.ts cannot be read: .*broken\.ts:1: /,
    );
    project.write("throws.ts", 'throw new Error("not today");');
    const thrown = await plan("throws.ts");
    expect(thrown.stderr).toMatch(/throws\.ts:1[\s\S]*not today[\s\S]*ended with exit code 1\n$/);
    project.write("idle.ts", "export {};");
    expect(await plan("idle.ts")).toEqual({ exitCode: 0, stdout: "", stderr: "idle.ts starts no run\n" });
  });

  test("runs nothing, and knows what is cached and how long it took once it ran", async () => {
    project.write(
      "run.ts",
      SCRIPT.replace('import { count } from "./count.ts";', "const count = Number(process.env.COUNT);").replace(
        'console.log("the sum',
        'if (process.env.STRATOLAB_PLAN) await lab.close();\nelse console.log("the sum',
      ),
    );
    const ran = execFileSync(process.execPath, ["--import", import.meta.resolve("tsx"), project.path("run.ts")], {
      cwd: project.folder,
      env: { ...process.env, COUNT: "3", STRATOLAB_RUNNER: "" },
      encoding: "utf8",
    });
    expect(ran).toContain("the sum is 5");
    const { stdout } = await cli(project.folder, ["plan", "--json", "run.ts"], { COUNT: "5" });
    const [{ cached, toRun, groups, seconds, costUsd }] = JSON.parse(stdout).plans;
    expect([cached, toRun, costUsd]).toEqual([3, 2, { low: 0, expected: 0, high: 0 }]);
    expect(groups[0].secondsEach.expected).toBeGreaterThan(0);
    expect(groups[0].notCached).toEqual([{ kind: "other-params", why: "other params", count: 2 }]);
    expect(seconds.high).toBeGreaterThanOrEqual(seconds.expected);
  });
});
