import { createReadStream } from "node:fs";
import { type ObjectRef, type Params, type Task, type TaskContext, type TaskDefinition, task } from "stratolab";
import { describe, expectTypeOf, test } from "vitest";

interface Model {
  readonly name: string;
  readonly accuracy: number;
}

const load = task({ name: "load", run: ({ path }: { path: string }) => path.length });
const train = task({
  name: "train",
  run: async ({ seed, data }: { seed: number; data: number }): Promise<Model> => ({
    name: `${seed}`,
    accuracy: data,
  }),
});
const best = task({ name: "best", run: ({ models }: { models: Model[] }) => models[0].name });
const report = task({
  name: "report",
  run: (params: { title: string; pages: { heading: string; rows: readonly (readonly [string, Model])[] }[] }) => params,
});
const nothing = task({ name: "nothing", run: () => new Date(0) });
const double = task({ name: "double", run: (x: number) => 2 * x });
const maybe = task({ name: "maybe", run: (params?: { limit?: number | undefined }) => params?.limit });

describe("a definition", () => {
  test("has the params and the result of its run, awaited", () => {
    expectTypeOf(load).toEqualTypeOf<TaskDefinition<{ path: string }, number>>();
    expectTypeOf(train).toEqualTypeOf<TaskDefinition<{ seed: number; data: number }, Model>>();
    expectTypeOf(load({ path: "p" })).toExtend<Task<number>>();
    expectTypeOf(train({ seed: 1, data: 1 })).toExtend<Task<Model>>();
    expectTypeOf(nothing()).toExtend<Task<Date>>();
  });

  test("is called without params only where they may be undefined", () => {
    maybe();
    maybe({});
    maybe({ limit: 1 });
    // @ts-expect-error: it needs params
    load();
    // @ts-expect-error: limit is a number
    maybe({ limit: "1" });
  });

  test("knows of results that its tasks are no others", () => {
    expectTypeOf(load({ path: "p" })).not.toExtend<Task<string>>();
    expectTypeOf<Task<1>>().toExtend<Task<number>>();
    expectTypeOf<Task<number>>().not.toExtend<Task<1>>();
  });
});

describe("params", () => {
  test("take a task wherever they take its result", () => {
    train({ seed: 1, data: load({ path: "p" }) });
    train({ seed: load({ path: "p" }), data: load({ path: "p" }) });
    best({ models: [train({ seed: 1, data: 1 }), { name: "given", accuracy: 1 }] });
    double(double(double(1)));
  });

  test("take one at any depth of arrays, tuples and plain objects", () => {
    const model = train({ seed: 1, data: 2 });
    const title = best({ models: [model] });
    report({
      title,
      pages: [
        { heading: title, rows: [[title, model]] },
        { heading: "h", rows: [] },
      ],
    });
    report({ title: "t", pages: [{ heading: "h", rows: [["r", { name: title, accuracy: load({ path: "p" }) }]] }] });
  });

  test("take one for all of them, or for a whole array", () => {
    const params = task({ name: "params", run: () => ({ seed: 1, data: 2 }) });
    const models = task({ name: "models", run: (): Model[] => [] });
    train(params());
    best({ models: models() });
  });

  test("of unions and options take tasks of any member", () => {
    const either = task({ name: "either", run: (params: { value: string | number[]; label?: string }) => params });
    either({ value: best({ models: [] }) });
    either({ value: [load({ path: "p" })], label: best({ models: [] }) });
    // @ts-expect-error: neither a string nor a list of numbers
    either({ value: nothing() });
    // @ts-expect-error: the label is a string
    either({ value: "v", label: load({ path: "p" }) });
  });

  test("of types that hold themselves take one at any depth", () => {
    type Json = string | number | null | Json[] | { [name: string]: Json };
    interface Tree {
      readonly value: number;
      readonly children: readonly Tree[];
    }
    const json = task({ name: "json", run: ({ value }: { value: Json }) => value });
    const grow = task({ name: "grow", run: (tree: Tree) => tree });
    const size = load({ path: "p" });
    json({ value: { list: [1, size, { deep: json({ value: [null] }) }] } });
    grow({ value: size, children: [{ value: 1, children: [grow({ value: 1, children: [] })] }] });
    // @ts-expect-error: a Date is no JSON
    json({ value: { list: [nothing()] } });
    // @ts-expect-error: the value is a number
    grow({ value: 1, children: [{ value: best({ models: [] }), children: [] }] });
  });

  test("keep the places of tuples", () => {
    const pair = task({ name: "pair", run: ({ of }: { of: readonly [number, string?, ...number[]] }) => of });
    const size = load({ path: "p" });
    pair({ of: [size, best({ models: [] }), size, 1] });
    pair({ of: [size] });
    // @ts-expect-error: the first is missing
    pair({ of: [] });
    // @ts-expect-error: the second is a string
    pair({ of: [size, size] });
  });

  test("of collections and buffers are taken whole, or from a task", () => {
    const whole = task({ name: "whole", run: (params: { map: Map<string, number>; data: Float64Array }) => params });
    const data = task({ name: "data", run: () => new Float64Array(3) });
    const map = task({ name: "map", run: () => new Map([["a", 1]]) });
    whole({ map: map(), data: data() });
    whole({ map: new Map(), data: new Float64Array(1) });
    // @ts-expect-error: a task inside of a Map is not looked for
    whole({ map: new Map([["a", load({ path: "p" })]]), data: data() });
  });

  test("of any kind are taken as unknown", () => {
    const anything = task({ name: "anything", run: ({ value }: { value: unknown }) => value });
    anything({ value: [load({ path: "p" }), { deep: nothing() }] });
    expectTypeOf(anything({ value: 1 })).toExtend<Task<unknown>>();
  });

  test("that are wrong are refused, at any depth", () => {
    // @ts-expect-error: a number instead of a string
    load({ path: 1 });
    // @ts-expect-error: a task that returns a number instead of a string
    load({ path: load({ path: "p" }) });
    // @ts-expect-error: data is missing
    train({ seed: 1 });
    // @ts-expect-error: there is no such param
    train({ seed: 1, data: 2, folds: 3 });
    // @ts-expect-error: a task that returns a string instead of a Model
    best({ models: [best({ models: [] })] });
    // @ts-expect-error: a definition is no task
    train({ seed: 1, data: load });
    // @ts-expect-error: a promise is no task
    train({ seed: 1, data: Promise.resolve(1) });
    // @ts-expect-error: the accuracy is a number
    report({ title: "t", pages: [{ heading: "h", rows: [["r", { name: "n", accuracy: best({ models: [] }) }]] }] });
  });

  test("can be written down as a type for helper functions", () => {
    const sweep = (seeds: number[], rest: Omit<Params<{ seed: number; data: number }> & object, "seed">) =>
      seeds.map((seed) => train({ data: 1, ...rest, seed }));
    expectTypeOf(sweep).returns.items.toExtend<Task<Model>>();
    expectTypeOf<{ path: Task<string> }>().toExtend<Params<{ path: string }>>();
    expectTypeOf<{ path: Task<number> }>().not.toExtend<Params<{ path: string }>>();
  });
});

describe("runnerOptions", () => {
  test("may be a function of the params, above run or below", () => {
    task({
      name: "above",
      runnerOptions: ({ folds }) => ({ memoryMb: 1024 * folds }),
      run: ({ folds }: { folds: number }) => folds,
    });
    const below = task({
      name: "below",
      run: ({ folds }: { folds: number }) => folds,
      runnerOptions: ({ folds }) => {
        expectTypeOf(folds).toEqualTypeOf<number>();
        return { memoryMb: 1024 * folds, retryOn: [RangeError, "TypeError"] };
      },
    });
    expectTypeOf(below).toEqualTypeOf<TaskDefinition<{ folds: number }, number>>();
  });

  test("are checked by name and kind", () => {
    // @ts-expect-error: a mistyped name
    task({ name: "t", run: () => 1, runnerOptions: { memoryMB: 1 } });
    // @ts-expect-error: the wrong kind
    task({ name: "t", run: () => 1, runnerOptions: { memoryMb: "1 GB" } });
    // @ts-expect-error: one of two
    task({ name: "t", run: () => 1, runnerOptions: { executor: "fargate" } });
    // @ts-expect-error: the function's result is checked, too
    task({ name: "t", run: (_: { a: number }) => 1, runnerOptions: ({ a }) => ({ memoryMb: `${a}` }) });
  });
});

describe("the context of run", () => {
  test("has a type of its own, unknown unless it is given", () => {
    task({ name: "c", run: (_: { a: number }, ctx) => expectTypeOf(ctx).toEqualTypeOf<TaskContext<unknown>>() });
    task({
      name: "d",
      run: (_: { a: number }, ctx: TaskContext<{ region: string }>) => {
        expectTypeOf(ctx.context.region).toEqualTypeOf<string>();
        expectTypeOf(ctx.checkpoint.load<{ step: number }>()).resolves.toEqualTypeOf<{ step: number } | undefined>();
      },
    });
  });
});

describe("objects in a task", () => {
  test("are put and taken by handles of their types, streams as bytes", () => {
    task({
      name: "objects",
      run: async (_: undefined, ctx) => {
        expectTypeOf(ctx.put({ a: 1 })).resolves.toEqualTypeOf<ObjectRef<{ a: number }>>();
        expectTypeOf(ctx.put(createReadStream("f"))).resolves.toEqualTypeOf<ObjectRef<Uint8Array>>();
        expectTypeOf(ctx.put(new Blob([]).stream())).resolves.toEqualTypeOf<ObjectRef<Uint8Array>>();
        expectTypeOf(ctx.put(new Blob([]))).resolves.toEqualTypeOf<ObjectRef<Blob>>();
        const [one, two] = [await ctx.put(1), await ctx.put("a")];
        expectTypeOf(ctx.get([one, two])).resolves.toEqualTypeOf<[number, string]>();
        // @ts-expect-error: no bytes
        await ctx.getStream(one);
      },
    });
  });
});
