import { Lab, type LabOptions, task } from "stratolab";
import { describe, expect, test } from "vitest";
import { Project } from "../support/project.ts";

const values = task({ name: "values", run: ({ count }: { count: number }) => Array.from({ length: count }, () => 0) });
const mean = task({ name: "mean", run: ({ of }: { of: number[] }) => of.length });
const spread = task({ name: "spread", run: ({ of }: { of: number[] }) => of.length });
const label = task({ name: "label", run: ({ of }: { of: number[] }) => String(of.length) });
const report = task({ name: "report", run: ({ parts }: { parts: unknown[] }) => parts.join() });

const FILES = {
  "tasks.ts": `
    import { task } from "stratolab";
    import { squared } from "./math/squares.ts";
    import { total } from "./math/totals.ts";
    import { shown } from "./text.ts";
    export const values = task({ name: "values", run: ({ count }: { count: number }) => Array.from({ length: count }, (_, i) => i) });
    export const mean = task({ name: "mean", run: ({ of }: { of: number[] }) => total(of) / of.length });
    export const spread = task({ name: "spread", run: ({ of }: { of: number[] }) => total(of.map(squared)) });
    export const label = task({ name: "label", run: ({ of }: { of: number[] }) => shown(of.length) });
    export const report = task({ name: "report", run: ({ parts }: { parts: unknown[] }) => parts.join(" ") });
  `,
  "math/squares.ts": "export const squared = (x: number) => x * x;",
  "math/totals.ts": "export const total = (of: number[]) => of.reduce((a, b) => a + b, 0);",
  "text.ts": "export const shown = (n: number) => n + ' values';",
};

/** A project of five tasks whose helpers are edited between runs: what runs again, and why. */
export function editedSuite(options: Partial<LabOptions>): void {
  describe("after an edit of one helper of five tasks", () => {
    test("exactly those that use it run again, none for a comment, and the file is named", async () => {
      using project = new Project(FILES);
      // A stack may have results of an earlier run of this test.
      const namespace = `edited-${Date.now()}`;
      const withLab = async <T>(use: (lab: Lab) => Promise<T>): Promise<T> => {
        await using lab = new Lab({
          progress: false,
          concurrency: 2,
          ...options,
          namespace,
          tasks: project.path("tasks.ts"),
        });
        return await use(lab);
      };
      const of = values({ count: 4 });
      const parts = [mean({ of }), spread({ of }), label({ of })];
      const tasks = [of, ...parts, report({ parts })] as const;
      /** Results, and the names of the tasks that were executed for them. */
      const ran = async (lab: Lab) => {
        const outcomes = await lab.start(tasks).settled();
        const executed = outcomes.filter((outcome) => outcome.status === "fulfilled" && !outcome.cached);
        const last = outcomes[4];
        return {
          executed: executed.map((outcome) => outcome.task.name),
          report: last.status === "fulfilled" && last.value,
        };
      };
      expect(await withLab(ran)).toEqual({
        executed: ["values", "mean", "spread", "label", "report"],
        report: "1.5 14 4 values",
      });

      project.write("math/squares.ts", `// The square of a number.\n${FILES["math/squares.ts"]}`);
      project.write("text.ts", `${FILES["text.ts"]} export const unused = 1;`);
      expect(await withLab(ran)).toEqual({ executed: [], report: "1.5 14 4 values" });

      project.write("math/squares.ts", FILES["math/squares.ts"].replace("x * x", "x * x * x"));
      await withLab(async (lab) => {
        const why = await Promise.all(tasks.map(async (each) => (await lab.whyNotCached(each)).kind));
        expect(why).toEqual(["found", "found", "other-code", "found", "other-dependency"]);
        expect(await lab.whyNotCached(tasks[2])).toMatchObject({
          changes: [{ kind: "file", file: "math/squares.ts" }],
          why: expect.stringContaining("math/squares.ts has changed"),
        });
        const { groups } = await lab.plan(tasks);
        expect(groups.map(({ name, notCached }) => [name, notCached[0].why])).toEqual([
          ["spread", "math/squares.ts has changed"],
          ["report", "spread: math/squares.ts has changed"],
        ]);
        // What depends on an edited task gets another input: it runs again with it.
        expect(await ran(lab)).toEqual({ executed: ["spread", "report"], report: "1.5 36 4 values" });
        const { cache, status } = await lab.explain(tasks[2]);
        expect([status, cache.changes.map(({ text }) => text)]).toEqual(["done", ["math/squares.ts has changed"]]);
      });
    });
  });
}
