import type { ObjectRef, TaskContext } from "stratolab";
import { task } from "stratolab";
import { describe, expectTypeOf, test } from "vitest";

const length = task({ name: "length", run: ({ text }: { text: string }) => text.length });
const upper = task({ name: "upper", run: async ({ text }: { text: string }) => text.toUpperCase() });
const text = upper({ text: "a" });
const number = length({ text });

describe("ctx.lab", () => {
  test("gives results as the lab does", () => {
    const use = ({ lab }: TaskContext) => ({
      all: () => lab.runTasks([number, text]),
      one: () => lab.runTask(text, { failFast: true }),
      list: () => lab.runTasks(["a"].map((each) => length({ text: each }))),
      started: () => lab.start([number, text], { bustCache: true }),
    });
    type Used = ReturnType<typeof use>;
    expectTypeOf<Awaited<ReturnType<Used["all"]>>>().toEqualTypeOf<[number, string]>();
    expectTypeOf<Awaited<ReturnType<Used["one"]>>>().toEqualTypeOf<string>();
    expectTypeOf<Awaited<ReturnType<Used["list"]>>>().toEqualTypeOf<number[]>();
    type Started = ReturnType<Used["started"]>;
    expectTypeOf<Awaited<ReturnType<Started["results"]>>>().toEqualTypeOf<[number, string]>();
    expectTypeOf<Awaited<ReturnType<Started["refs"]>>>().toEqualTypeOf<[ObjectRef<number>, ObjectRef<string>]>();
  });

  test("stores and loads objects", () => {
    const use = ({ lab }: TaskContext) => ({
      put: () => lab.put({ a: 1 }),
      get: (ref: ObjectRef<Date>) => lab.get(ref),
    });
    expectTypeOf<Awaited<ReturnType<ReturnType<typeof use>["put"]>>>().toEqualTypeOf<ObjectRef<{ a: number }>>();
    expectTypeOf<Awaited<ReturnType<ReturnType<typeof use>["get"]>>>().toEqualTypeOf<Date>();
  });

  test("wants tasks, and options that there are", () => {
    const use = ({ lab }: TaskContext) => [
      // @ts-expect-error: a definition
      () => lab.runTasks([length]),
      // @ts-expect-error: a list
      () => lab.runTask([number]),
      // @ts-expect-error: no such option
      () => lab.runTasks([number], { name: "nightly" }),
    ];
    expectTypeOf(use).toBeFunction();
  });

  test("infers in the task that runs itself, where its result is declared", () => {
    const factorial = task({
      name: "factorial",
      run: async ({ n }: { n: number }, { lab }): Promise<number> =>
        n < 2 ? 1 : n * (await lab.runTask(factorial({ n: n - 1 }))),
    });
    expectTypeOf(factorial({ n: 3 }))
      .toHaveProperty("__result")
      .toEqualTypeOf<number | undefined>();
  });
});
