import { readdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { type CacheChange, Lab, task } from "stratolab";
import { describe, expect, test } from "vitest";
import { Project } from "../support/project.ts";
import { zeros } from "./fixtures/lab-tasks.ts";
import { LabBench } from "./lab-bench.ts";

const number = task({ name: "number", run: ({ n }: { n: number }) => n });
const half = task({ name: "half", run: ({ n }: { n: number }) => n / 2 });
const sum = task({ name: "sum", run: ({ of }: { of: number[] }) => of.length });
const parsed = task({ name: "parsed", run: ({ text }: { text: string }) => text });
const named = task({ name: "named", version: "2", run: () => 0 });

const FILES = {
  "tasks.ts": `
    import { task } from "stratolab";
    import { parse } from "some-parser";
    import { halve, same } from "./lib/numbers.ts";
    export const number = task({ name: "number", run: ({ n }: { n: number }) => same(n) });
    export const half = task({ name: "half", run: ({ n }: { n: number }) => halve(n) });
    export const sum = task({ name: "sum", run: ({ of }: { of: number[] }) => of.reduce((a, b) => a + b, 0) });
    export const parsed = task({ name: "parsed", run: ({ text }: { text: string }) => parse(text) });
    export const named = task({ name: "named", version: "1", run: () => 0 });
  `,
  "lib/numbers.ts": `
    import { divisor } from "./divisor.ts";
    export const same = (n: number) => n;
    export const halve = (n: number) => n / divisor;
  `,
  "lib/divisor.ts": "export const divisor = 2;",
  "node_modules/some-parser/package.json": JSON.stringify({ name: "some-parser", version: "1.0.0", main: "index.js" }),
  "node_modules/some-parser/index.js": "exports.parse = (text) => text.trim(); // of old",
};

/** A project with results, and labs on it as it is then. */
class Bench extends Project {
  readonly #labs: Lab[] = [];

  constructor() {
    super(FILES);
  }

  lab(options: { namespace?: string } = {}): Lab {
    const lab = new Lab({
      tasks: this.path("tasks.ts"),
      runner: "inline",
      storage: this.path("results"),
      progress: false,
      ...options,
    });
    this.#labs.push(lab);
    return lab;
  }

  edit(path: keyof typeof FILES, from: string, to: string): void {
    expect(FILES[path]).toContain(from);
    this.write(path, FILES[path].replace(from, to));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#labs.map((lab) => lab.close()));
    this[Symbol.dispose]();
  }
}

const texts = (changes: readonly CacheChange[]) => changes.map(({ text }) => text);

describe("lab.whyNotCached", () => {
  test("names the input, and says so where nothing was ever stored, or all is well", async () => {
    await using bench = new Bench();
    const lab = bench.lab();
    expect(await lab.whyNotCached(number({ n: 1 }))).toEqual({
      kind: "nothing-stored",
      why: "no result of number was stored",
      changes: [],
    });
    await lab.runTasks([number({ n: 1 }), number({ n: 2 })]);
    expect((await lab.whyNotCached(number({ n: 1 }))).kind).toBe("found");
    const { kind, changes } = await lab.whyNotCached(number({ n: 3 }));
    expect([kind, changes]).toEqual([
      "other-params",
      [{ kind: "input", path: "params.n", text: "params.n was 2, is 3" }],
    ]);
  });

  test("names the files that were edited, of those that the task reaches, and nothing for a comment", async () => {
    await using bench = new Bench();
    const before = bench.lab();
    await before.runTasks([number({ n: 1 }), half({ n: 1 })]);
    bench.edit("lib/numbers.ts", "export const same", "// The same.\n    export const same");
    bench.edit("lib/divisor.ts", "2", "4");
    const lab = bench.lab();
    expect((await lab.whyNotCached(number({ n: 1 }))).kind).toBe("found");
    expect(await lab.whyNotCached(half({ n: 1 }))).toMatchObject({
      kind: "other-code",
      why: "the stored result for these params is of other code: lib/divisor.ts has changed",
      changes: [{ kind: "file", file: "lib/divisor.ts" }],
      nearest: { differences: [] },
    });
    // One edit more, and other params: both are told.
    bench.edit("lib/numbers.ts", "n / divisor", "divisor / n");
    const { changes } = await bench.lab().whyNotCached(half({ n: 2 }));
    expect(texts(changes)).toEqual([
      "lib/divisor.ts has changed",
      "lib/numbers.ts has changed",
      "params.n was 1, is 2",
    ]);
  });

  test("names a package with its versions, where its code has changed", async () => {
    await using bench = new Bench();
    const before = bench.lab();
    await before.runTask(parsed({ text: " x " }));
    bench.edit("node_modules/some-parser/package.json", "1.0.0", "1.0.1");
    expect(await bench.lab().isCached(parsed({ text: " x " }))).toBe(true);
    bench.edit("node_modules/some-parser/index.js", "trim", "trimEnd");
    expect((await bench.lab().whyNotCached(parsed({ text: " x " }))).changes).toEqual([
      {
        kind: "package",
        name: "some-parser",
        from: "1.0.0",
        to: "1.0.1",
        text: "package some-parser was 1.0.0, is 1.0.1",
      },
    ]);
  });

  test("names the version of a definition, the namespace, and what a dependency is another one by", async () => {
    await using bench = new Bench();
    const before = bench.lab();
    await before.runTasks([sum({ of: [half({ n: 1 }), 3] })]);
    const one = task({ name: "named", version: "1", run: () => 0 });
    await before.runTask(one());
    expect(texts((await before.whyNotCached(named())).changes)).toEqual(['its version was "1", is "2"']);

    const elsewhere = bench.lab({ namespace: "other" });
    expect(await elsewhere.whyNotCached(half({ n: 1 }))).toMatchObject({
      kind: "other-namespace",
      changes: [{ kind: "namespace", from: "default", to: "other" }],
    });

    bench.edit("lib/divisor.ts", "2", "4");
    const { kind, changes } = await bench.lab().whyNotCached(sum({ of: [half({ n: 1 }), 3] }));
    expect([kind, changes]).toEqual([
      "other-dependency",
      [
        {
          kind: "dependency",
          path: "params.of[0]",
          name: "half",
          changes: [{ kind: "file", file: "lib/divisor.ts", text: "lib/divisor.ts has changed" }],
          text: "params.of[0] is another half: lib/divisor.ts has changed",
        },
      ],
    ]);
  });

  test("tells what was deleted, and what is damaged", async () => {
    await using bench = new LabBench();
    const lab = bench.lab();
    const data = zeros({ length: 10_000 });
    await lab.runTask(data);
    const folder = join(bench.folder, "storage", "objects", "results");
    for (const path of readdirSync(folder, { recursive: true, encoding: "utf8" })) {
      if (statSync(join(folder, path)).isFile()) rmSync(join(folder, path));
    }
    expect(await lab.whyNotCached(data)).toMatchObject({
      kind: "corrupt",
      why: expect.stringMatching(/results\/.* is not in the object store; the next run that needs it makes it again$/),
    });
    await lab.uncache([data]);
    expect(await lab.whyNotCached(data)).toMatchObject({
      kind: "deleted",
      why: expect.stringMatching(/^its result was deleted at .*Z by lab\.uncache/),
    });
    await lab.runTask(data);
    expect((await lab.explain(data)).cache.kind).toBe("deleted");
    expect((await lab.whyNotCached(data)).kind).toBe("found");
  });
});

test("a plan says why its tasks are not cached, those of one reason together", async () => {
  await using bench = new Bench();
  const before = bench.lab();
  await before.runTasks([half({ n: 1 }), half({ n: 2 }), half({ n: 3 }), sum({ of: [half({ n: 1 })] })]);
  await before.uncache([half({ n: 3 })]);
  expect((await before.plan([half({ n: 3 }), number({ n: 1 })])).groups).toMatchObject([
    { name: "half", notCached: [{ kind: "deleted", count: 1 }] },
    { name: "number", notCached: [{ kind: "nothing-stored", why: "never computed", count: 1 }] },
  ]);
  bench.edit("lib/divisor.ts", "2", "4");
  const { groups } = await bench
    .lab()
    .plan([half({ n: 1 }), half({ n: 2 }), half({ n: 9 }), sum({ of: [half({ n: 1 })] })]);
  expect(groups).toMatchObject([
    {
      name: "half",
      notCached: [
        { kind: "other-code", why: "lib/divisor.ts has changed", count: 2 },
        { kind: "other-params", count: 1 },
      ],
    },
    {
      name: "sum",
      notCached: [{ kind: "other-dependency", why: "half: lib/divisor.ts has changed", count: 1 }],
    },
  ]);
});
