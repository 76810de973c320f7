import type { ObjectRef, ResultOf, RunError, RuntimeEnv, Task, TaskFailure, TaskOutcome } from "stratolab";
import { Lab, task } from "stratolab";
import { describe, expectTypeOf, test } from "vitest";

// Nothing here is called: only what the compiler makes of it counts.
const lab = new Lab({ tasks: "tasks.ts", progress: false });
const length = task({ name: "length", run: ({ text }: { text: string }) => text.length });
const upper = task({ name: "upper", run: async ({ text }: { text: string }) => text.toUpperCase() });
const text = upper({ text: "a" });
const number = length({ text });

describe("results", () => {
  test("of a list in place are a tuple, in its order", () => {
    expectTypeOf(() => lab.runTasks([number, text, number])).returns.resolves.toEqualTypeOf<[number, string, number]>();
    expectTypeOf(() => lab.runTasks([])).returns.resolves.toEqualTypeOf<[]>();
  });

  test("of a list made elsewhere are a list", () => {
    const tasks = ["a", "b"].map((each) => length({ text: each }));
    const mixed = [number, text];
    expectTypeOf(() => lab.runTasks(tasks)).returns.resolves.toEqualTypeOf<number[]>();
    expectTypeOf(() => lab.runTasks(mixed)).returns.resolves.toEqualTypeOf<(number | string)[]>();
    expectTypeOf(() => lab.runTasks([text, ...tasks])).returns.resolves.toEqualTypeOf<[string, ...number[]]>();
    expectTypeOf<ResultOf<typeof number>>().toEqualTypeOf<number>();
  });

  test("of one task are its own", () => {
    expectTypeOf(() => lab.runTask(number)).returns.resolves.toEqualTypeOf<number>();
    expectTypeOf(() => lab.runTask(text, { bustCache: true })).returns.resolves.toEqualTypeOf<string>();
  });

  test("are asked for with tasks alone", () => {
    // @ts-expect-error: a definition
    () => lab.runTasks([length]);
    // @ts-expect-error: one task
    () => lab.runTasks(number);
    // @ts-expect-error: a list of tasks
    () => lab.runTask([number]);
    // @ts-expect-error: no such option
    () => lab.runTasks([number], { bustcache: true });
  });
});

describe("a run", () => {
  test("gives results and outcomes as tuples, and outcomes as they come as one of them", () => {
    const run = () => lab.start([number, text]);
    expectTypeOf(() => run().results()).returns.resolves.toEqualTypeOf<[number, string]>();
    expectTypeOf(() => run().settled()).returns.resolves.toEqualTypeOf<[TaskOutcome<number>, TaskOutcome<string>]>();
    expectTypeOf(async () => {
      for await (const outcome of run()) return outcome;
      throw new Error("none");
    }).returns.resolves.toEqualTypeOf<TaskOutcome<number | string>>();
  });

  test("has outcomes that are told apart by their kind or status", () => {
    expectTypeOf((outcome: TaskOutcome<number>) => {
      if (outcome.status === "fulfilled") return outcome.value;
      throw outcome.reason;
    }).returns.toEqualTypeOf<number>();
    expectTypeOf((outcome: TaskOutcome<number>) => {
      if (outcome.kind === "ok") throw new Error("well");
      return outcome;
    }).returns.toEqualTypeOf<TaskFailure<number>>();
    // @ts-expect-error: a failure has no value
    (outcome: TaskFailure<number>) => outcome.value;
    expectTypeOf<RunError["failures"][number]["attempts"][number]["seen"]>().toEqualTypeOf<string>();
  });
});

describe("objects", () => {
  test("are as typed as what was put, and stand for it in params", () => {
    expectTypeOf(() => lab.put(new Float64Array(1))).returns.resolves.toEqualTypeOf<
      ObjectRef<Float64Array<ArrayBuffer>>
    >();
    const use = (ref: ObjectRef<string>, other: ObjectRef<Date>) => {
      length({ text: ref });
      // @ts-expect-error: a handle on something else
      length({ text: other });
      return [lab.get(ref), lab.get([ref, other])] as const;
    };
    expectTypeOf(use).returns.toEqualTypeOf<readonly [Promise<string>, Promise<[string, Date]>]>();
  });
});

describe("wait and cachedTasks", () => {
  test("give back what was passed, or what was asked for", () => {
    expectTypeOf(() => lab.wait([number, number]))
      .returns.resolves.toHaveProperty("ready")
      .items.toExtend<Task<number>>();
    expectTypeOf(async () => (await lab.wait([number, text])).pending).returns.resolves.items.toEqualTypeOf<
      typeof number | typeof text
    >();
    expectTypeOf(() => lab.cachedTasks()).returns.resolves.toEqualTypeOf<Task<unknown>[]>();
    expectTypeOf(async () => {
      const [task] = await lab.cachedTasks({ type: length });
      return lab.runTask(task);
    }).returns.resolves.toEqualTypeOf<number>();
  });
});

describe("runtime environments", () => {
  test("are typed alike for labs and tasks", () => {
    expectTypeOf<RuntimeEnv>().toMatchTypeOf<NonNullable<ConstructorParameters<typeof Lab>[0]["runtimeEnv"]>>();
    const runtimeEnv = { env: { A: "1", B: { secret: "s", key: "k" }, C: { parameter: "p" } }, packages: { a: "^1" } };
    expectTypeOf(runtimeEnv).toMatchTypeOf<RuntimeEnv>();
    task({ name: "furnished", runtimeEnv, run: () => 1 });
    // @ts-expect-error A variable is a text, or says where its value lies.
    const mistyped = () => task({ name: "mistyped", runtimeEnv: { env: { A: 1 } }, run: () => 1 });
    // @ts-expect-error Not an option.
    const unknown = () => task({ name: "unknown", runtimeEnv: { pip: [] }, run: () => 1 });
    expectTypeOf([mistyped, unknown]).toBeArray();
  });
});
