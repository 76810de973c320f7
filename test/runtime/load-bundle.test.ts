import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { loadBundle } from "../../runtime/load-bundle.ts";
import { buildBundle } from "../../sdk/bundle/bundle.ts";
import { writeBundle } from "../../sdk/runners/local/bundle-file.ts";
import { DEFINITION } from "../../sdk/wire/definition.ts";
import { Project } from "../support/project.ts";

const IMPORT = `import { Lab, aws, task } from "stratolab";`;

/** Loads a task module the way an executor does. */
async function load(source: string) {
  using project = new Project({ "tasks.ts": `${IMPORT}\n${source}` });
  const bundle = await buildBundle(project.path("tasks.ts"));
  const file = await writeBundle(project.path("bundles"), bundle);
  return (await loadBundle(file, bundle.hash, bundle.root)).tasks;
}

const refusal = (source: string) =>
  load(source).then(
    () => "nothing",
    (error) => `${error.kind}: ${error.message.split("\n")[0]}`,
  );

describe("loading a bundle", () => {
  test("finds the tasks it exports, each once, by their names", async () => {
    const loaded = await load(`
      export const first = task({ name: "one", run: () => 1 });
      export { first as again };
      const second = task({ name: "two", run: () => 2 });
      export default second;
      export const other = { task: first };
      task({ name: "hidden", run: () => 3 });
    `);
    expect(loaded.map(({ name, exportName }) => [name, exportName]).sort()).toEqual([
      ["one", expect.stringMatching(/^(first|again)$/)],
      ["two", "default"],
    ]);
    expect(loaded.map(({ definition }) => definition[DEFINITION].run(undefined, {} as never)).sort()).toEqual([1, 2]);
  });

  test("finds none where none are exported", async () => {
    expect(await load("export const x = 1;")).toEqual([]);
  });

  test.each([
    [
      "two tasks of one name",
      `export const a = task({ name: "same", run: () => 1 }); export const b = task({ name: "same", run: () => 2 });`,
      'duplicate-task: the task module exports two tasks named "same", as a and b: give one of them another name',
    ],
    [
      "a module that throws",
      `throw new RangeError("no data here");`,
      "task-module: the task module threw while it was loaded: RangeError: no data here",
    ],
    [
      "a module that throws no error",
      `throw "text";`,
      "task-module: the task module threw while it was loaded: 'text'",
    ],
    [
      "a module that throws nothing at all",
      `throw undefined;`,
      "task-module: the task module threw while it was loaded: undefined",
    ],
    [
      "a module that starts a lab",
      `new Lab({ tasks: "tasks.ts" });`,
      "lab-in-task-module: the task module itself starts a lab (new Lab). Every executor loads the task module, so each would start a lab of its own: keep tasks in a module of their own and start the lab in another one that imports it",
    ],
    [
      "a module that configures a runner",
      `aws();`,
      "lab-in-task-module: the task module itself configures a runner (aws(…)). ",
    ],
  ])("refuses %s", async (_, source, message) => {
    expect(await refusal(source)).toContain(message);
  });

  test("refuses one that is not what it is said to be, before any of it runs", async () => {
    using project = new Project({ "bundle.mjs": "globalThis.wasLoaded = true;" });
    const loading = loadBundle(project.path("bundle.mjs"), createHash("sha256").update("other").digest("hex"), "/");
    await expect(loading).rejects.toMatchObject({ kind: "bundle-changed" });
    expect(globalThis).not.toHaveProperty("wasLoaded");
  });
});
