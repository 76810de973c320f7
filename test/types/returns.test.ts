import { type Task, task } from "stratolab";
import { describe, expectTypeOf, test } from "vitest";

interface Row {
  readonly x: number;
}

const split = task({
  name: "split",
  returns: ["train", "test"],
  run: async ({ rows }: { rows: Row[] }) => ({ train: rows.slice(1), test: rows[0] }),
});
const both = task({
  name: "both",
  returns: 2,
  run: ({ n }: { n: number }): [number, string] => [n, String(n)],
});
const inferred = task({ name: "inferred", returns: 2, run: async ({ n }: { n: number }) => [n, `${n}`] });
const sum = task({ name: "sum", run: ({ rows }: { rows: Row[] }) => rows.length });
const sized = task({
  name: "sized",
  returns: ["a"],
  runnerOptions: ({ folds }) => ({ memoryMb: folds }),
  run: ({ folds }: { folds: number }) => ({ a: folds }),
});

describe("several returns", () => {
  test("are tasks of their own types", () => {
    const { train, test: held } = split({ rows: [] }).returns;
    expectTypeOf(train).toEqualTypeOf<Task<Row[]>>();
    expectTypeOf(held).toEqualTypeOf<Task<Row>>();
    expectTypeOf(both({ n: 1 }).returns[0]).toEqualTypeOf<Task<number>>();
    expectTypeOf(both({ n: 1 }).returns[1]).toEqualTypeOf<Task<string>>();
    expectTypeOf(inferred({ n: 1 }).returns[1]).toEqualTypeOf<Task<string>>();
    expectTypeOf(sized({ folds: 1 }).returns.a).toEqualTypeOf<Task<number>>();
    sum({ rows: train });
    sum({ rows: [held] });
    // @ts-expect-error: one row is not a list of rows
    sum({ rows: held });
    // @ts-expect-error: there is no such return
    split({ rows: [] }).returns.validation;
    // @ts-expect-error: a task without declared returns has none
    sum({ rows: [] }).returns;
  });

  test("together are the result of the task", () => {
    expectTypeOf(split({ rows: [] })).toExtend<Task<{ train: Row[]; test: Row }>>();
    expectTypeOf(both({ n: 1 })).toExtend<Task<[number, string]>>();
  });

  test("have to be returned", () => {
    // @ts-expect-error: run does not return b
    task({ name: "less", returns: ["a", "b"], run: () => ({ a: 1 }) });
    // @ts-expect-error: run returns no array
    task({ name: "none", returns: 2, run: () => 7 });
  });
});
