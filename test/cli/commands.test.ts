import { Lab, task } from "stratolab";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Project } from "../support/project.ts";
import { cli } from "./run-cli.ts";

const greet = task({ name: "greet", run: (_: { name: string }) => "" });
const project = new Project({
  "tasks.ts": `
    import { task } from "stratolab";
    export const greet = task({ name: "greet", run: ({ name }, { log }) => { log.info("hello", name); return name; } });
  `,
});

beforeAll(async () => {
  const options = { tasks: project.path("tasks.ts"), storage: project.path(".stratolab"), runner: "inline" } as const;
  await using lab = new Lab({ ...options, progress: false });
  await lab.runTasks([greet({ name: "you" })], { name: "first" });
});
afterAll(() => project[Symbol.dispose]());

/** Commands that print no data: they lead to others, or print a script. */
const WITHOUT_JSON = ["", "localstack", "localstack faults", "completion"];

test("every command that has something to say says it as JSON, too", async () => {
  const { stdout } = await cli(project.folder, ["completion", "bash"]);
  const places = [...stdout.matchAll(/^ {4}"([^"]*)"\) words="(.*)" ;;$/gm)].map(([, path, words]) => ({
    path,
    words: words.split(" "),
  }));
  expect(places.map(({ path }) => path)).toEqual(
    expect.arrayContaining(
      "plan tasks runs cancel dashboard report logs summary explain gc deploy doctor localstack completion".split(" "),
    ),
  );
  expect(places.filter(({ words }) => !words.includes("--json")).map(({ path }) => path)).toEqual(WITHOUT_JSON);
  expect(places.filter(({ words }) => !words.includes("--help"))).toEqual([]);
});

test.each([
  ["tasks", [{ name: "greet", params: "{ name: 'you' }", key: expect.any(String), bytes: expect.any(Number) }]],
  ["runs", [{ name: "first", status: "ok", counts: { done: 1 }, costUsd: 0 }]],
  ["runs show first", { name: "first", status: "ok", counts: { total: 1 }, failures: [] }],
  ["runs results first", [{ task: "greet({ name: 'you' })", status: "done", value: "you" }]],
  ["logs first", { name: "greet", attempt: 1, level: "info", text: "hello you" }],
  [
    "summary first",
    {
      run: { status: "ok" },
      types: [{ name: "greet", done: 1, cpuMs: expect.any(Number), spent: { runMs: expect.any(Number), failedMs: 0 } }],
    },
  ],
  ["explain greet", { name: "greet", attempts: [{ attempt: 1, kind: "ok" }] }],
  ["gc --dry-run", { dryRun: true, freedBytes: 0 }],
])("%s --json", async (args, shape) => {
  const { exitCode, stdout, stderr } = await cli(project.folder, [...args.split(" "), "--json"]);
  expect([exitCode, stderr]).toEqual([0, ""]);
  expect(JSON.parse(stdout)).toMatchObject(shape);
});
