import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { describe, expect, test } from "vitest";
import { loadBundle } from "../../runtime/load-bundle.ts";
import { buildBundle } from "../../sdk/bundle/bundle.ts";
import { writeBundle } from "../../sdk/runners/local/bundle-file.ts";
import { DEFINITION } from "../../sdk/wire/definition.ts";
import { Project } from "../support/project.ts";

const FILES = {
  "tasks.ts": `
    import { task } from "stratolab";
    import { half, twice } from "./helpers.ts";
    import type { Size } from "./types.ts";
    const SCALE = 10;
    export const doubled = task({ name: "doubled", run: ({ x }: { x: Size }) => twice(x) });
    export const halved = task({ name: "halved", run: ({ x }: { x: Size }) => half(x) * SCALE });
    export const plain = task({ name: "plain", run: ({ x }: { x: number }) => x });
    export const notATask = 7;
  `,
  "helpers.ts": `
    import { factor } from "./deep/factor.ts";
    export const twice = (x: number) => factor * x;
    export const half = (x: number) => x / 2;
  `,
  "deep/factor.ts": `export const factor = 2;`,
  "types.ts": `export type Size = number;`,
};

/** Exports whose version an edit has changed. */
async function changedBy(path: keyof typeof FILES, edit: (text: string) => string): Promise<string[]> {
  using project = new Project(FILES);
  const before = await buildBundle(project.path("tasks.ts"));
  const edited = edit(FILES[path]);
  expect(edited).not.toBe(FILES[path]);
  project.write(path, edited);
  const after = await buildBundle(project.path("tasks.ts"));
  expect([...after.versions.keys()].sort()).toEqual(["doubled", "halved", "notATask", "plain"]);
  return [...after.versions].filter(([name, version]) => before.versions.get(name) !== version).map(([name]) => name);
}

/** What the only task of a project gives, run as in an executor. */
async function runOnly(project: Project, params?: unknown): Promise<unknown> {
  const bundle = await buildBundle(project.path("tasks.ts"));
  const file = await writeBundle(project.path("bundles"), bundle);
  const {
    tasks: [{ definition }],
  } = await loadBundle(file, bundle.hash, bundle.root);
  return definition[DEFINITION].run(params, {} as never);
}

describe("an edit changes the versions of", () => {
  test("the tasks that reach the edited helper, and of no other", async () => {
    expect(await changedBy("helpers.ts", (text) => text.replace("x / 2", "x / 3"))).toEqual(["halved"]);
  });

  test("the tasks that reach it through other modules", async () => {
    expect(await changedBy("deep/factor.ts", (text) => text.replace("2", "3"))).toEqual(["doubled"]);
  });

  test("the tasks that use an edited constant beside them", async () => {
    expect(await changedBy("tasks.ts", (text) => text.replace("SCALE = 10", "SCALE = 11"))).toEqual(["halved"]);
  });

  test("the edited task alone", async () => {
    expect(await changedBy("tasks.ts", (text) => text.replace("=> x })", "=> x + 1 })"))).toEqual(["plain"]);
  });

  test("none, where it is a comment, a line break, a type, or code that no task reaches", async () => {
    expect(
      await changedBy("tasks.ts", (text) => text.replace("const SCALE", "// Scale.\n\n/** of all */ const SCALE")),
    ).toEqual([]);
    expect(await changedBy("types.ts", (text) => `${text} export type Other = string;`)).toEqual([]);
    expect(await changedBy("helpers.ts", (text) => `${text} export const unused = (x: number) => x;`)).toEqual([]);
    expect(await changedBy("tasks.ts", (text) => text.replace("notATask = 7", "notATask = 8"))).toEqual(["notATask"]);
  });
});

describe("a bundle", () => {
  test("has the same versions wherever the project lies", async () => {
    using here = new Project(FILES);
    using there = new Project(FILES);
    const [a, b] = await Promise.all([here, there].map((project) => buildBundle(project.path("tasks.ts"))));
    expect(a.versions).toEqual(b.versions);
    expect(a.hash).toBe(b.hash);
    expect(new Set(a.versions.values()).size).toBe(4);
  });

  test("is found by path and by URL", async () => {
    using project = new Project(FILES);
    const { hash } = await buildBundle(project.path("tasks.ts"));
    const url = pathToFileURL(project.path("tasks.ts"));
    expect((await buildBundle(url)).hash).toBe(hash);
    expect((await buildBundle(url.href)).hash).toBe(hash);
  });

  test("lets each module know its own place", async () => {
    using project = new Project({
      "tasks.ts": `
        import { task } from "stratolab";
        import * as inner from "./lib/inner.ts";
        import { old } from "./lib/old.cjs";
        export const where = task({ name: "where", run: () => [import.meta.url, import.meta.dirname, inner.filename, old] });
      `,
      "lib/inner.ts": `export const filename = import.meta.filename;`,
      "lib/old.cjs": `exports.old = [__dirname, __filename];`,
    });
    expect(await runOnly(project)).toEqual([
      pathToFileURL(project.path("tasks.ts")).href,
      project.folder,
      project.path("lib/inner.ts"),
      [project.path("lib"), project.path("lib/old.cjs")],
    ]);
  });

  test("leaves strings, templates, comments and patterns as they were written", async () => {
    using project = new Project({
      "tasks.ts": [
        `import { task } from "stratolab";`,
        `const apostrophe = /['"\`]/; // don't`,
        `export const text = task({ name: "text", run: ({ n }: { n: number }) => [`,
        `  "task (1 of 3)", 'import.meta.url', \`task (\${n} of \${[\`task(\${n})\`]}) __dirname\`,`,
        `  apostrophe.source, /task(s)?/.source, n / 2, "it's" /* import.meta.url */,`,
        `] });`,
      ].join("\n"),
    });
    expect(await runOnly(project, { n: 2 })).toEqual([
      "task (1 of 3)",
      "import.meta.url",
      "task (2 of task(2)) __dirname",
      "['\"`]",
      "task(s)?",
      1,
      "it's",
    ]);
  });

  test("keeps tasks apart also where they are made in other ways than by a bare call", async () => {
    const files = (step: number) => ({
      "tasks.ts": `
        import { task as define } from "stratolab";
        import * as stratolab from "stratolab";
        export const first = define({ name: "first", run: () => 1 });
        export const second = stratolab.task<undefined, number>({ name: "second", run: () => ${step} });
      `,
    });
    using project = new Project(files(1));
    using edited = new Project(files(2));
    const [before, after] = await Promise.all([project, edited].map((each) => buildBundle(each.path("tasks.ts"))));
    expect(after.versions.get("second")).not.toBe(before.versions.get("second"));
    expect(after.versions.get("first")).toBe(before.versions.get("first"));
  });
});

describe("a task module that cannot be bundled", () => {
  const refusal = (project: Project, path = "tasks.ts") =>
    buildBundle(project.path(path)).then(
      () => "nothing",
      (error) => `${error.kind}: ${error.message}`,
    );

  test("is named where there is none", async () => {
    using project = new Project({});
    expect(await refusal(project, "missing.ts")).toBe(
      `invalid-option: tasks: there is no module ${join(project.folder, "missing.ts")}. Give the module that exports your tasks, such as import.meta.resolve("./tasks.ts")`,
    );
  });

  test("is refused with file, line and column", async () => {
    using project = new Project({
      "tasks.ts": `import "./broken.ts";`,
      "broken.ts": `export const x = ;`,
      "lost.ts": `export const x = 1;\nimport { nothing } from "no-such-package";\nnothing();`,
    });
    expect(await refusal(project)).toMatch(
      /^task-module: the task module .*tasks\.ts cannot be bundled:\n {2}broken\.ts:1:17: Unexpected ";"$/,
    );
    expect(await refusal(project, "lost.ts")).toMatch(/lost\.ts:2:24: Could not resolve "no-such-package"$/);
  });
});
