import { describe, expect, test } from "vitest";
import { InvalidTaskError, LabOptionError } from "../../sdk/errors.ts";
import { planTasks } from "../../sdk/planning.ts";
import type { RunnerOptions } from "../../sdk/runner-options.ts";
import { type Task, task } from "../../sdk/task.ts";
import type { PlanningContext } from "../../sdk/task-version.ts";
import { ObjectRef } from "../../sdk/wire/object-ref.ts";

const echo = task({ name: "echo", run: ({ value }: { value: unknown }) => value });
const own = task({ name: "own", version: "2", run: ({ value }: { value: unknown }) => value });
const context: PlanningContext = {
  namespace: "default",
  versions: new Map(["echo", "own", "sized"].map((name) => [name, `code of ${name}`])),
  taskModule: "tasks.ts",
};

const plan = (...tasks: Task<unknown>[]) => planTasks(tasks, context);
const keyOf = (task: Task<unknown>, changes: Partial<PlanningContext> = {}) =>
  planTasks([task], { ...context, ...changes }).tasks.at(-1)?.key;

/** What planning throws, as one line of its class, kind and message. */
function refusal(...tasks: unknown[]): string {
  try {
    plan(...(tasks as Task<unknown>[]));
    return "nothing";
  } catch (error) {
    const { name, kind, message } = error as LabOptionError;
    return `${name} (${kind}): ${message}`;
  }
}

const sized = (runnerOptions: RunnerOptions | ((params: { value: unknown }) => RunnerOptions)) =>
  task({ name: "sized", runnerOptions, run: ({ value }: { value: unknown }) => value });

describe("a plan", () => {
  test("holds a dependency before those that need it, and once for all of them", () => {
    const root = echo({ value: 1 });
    const { tasks, targets } = plan(echo({ value: [{ left: root }, root] }), echo({ value: { right: root } }));
    expect(tasks.map(({ dependencies }) => dependencies)).toEqual([[], [0], [0]]);
    expect(targets).toEqual([1, 2]);
  });

  test("makes one of tasks with equal name, version and params, in whatever order these were written", () => {
    const { tasks, targets } = plan(echo({ value: { a: 1, b: [2] } }), echo({ value: { b: [2], a: 1 } }));
    expect(tasks.length).toBe(1);
    expect(targets).toEqual([0, 0]);
  });

  test("finds tasks in Maps and Sets, and none in object refs and buffers", () => {
    const ref = new ObjectRef({ object: "content/ab/abc", bytes: 3, hash: "abc" });
    const inside = new Map<unknown, unknown>([["k", new Set([echo({ value: 1 })])]]);
    expect(plan(echo({ value: inside })).tasks.length).toBe(2);
    expect(plan(echo({ value: [ref, new Uint8Array(3), { ref }] })).tasks.length).toBe(1);
  });

  test("looks into params with more elements than a call can have arguments", () => {
    const many = Object.fromEntries(Array.from({ length: 200_000 }, (_, index) => [`k${index}`, index]));
    expect(plan(echo({ value: [new Set(Object.keys(many)), many, echo({ value: 1 })] })).tasks.length).toBe(2);
  });

  test("follows params that hold themselves", () => {
    const params: { value: unknown[]; self?: unknown } = { value: [echo({ value: 1 })] };
    params.self = params;
    params.value.push(params.value);
    expect(plan(echo(params)).tasks.length).toBe(2);
    expect(plan(sized(() => ({ memoryMb: 512 }))(params)).tasks.at(-1)?.demand.memoryMb).toBe(512);
  });

  test("has a cache key that hangs on namespace, name, code and params, down to dependencies", () => {
    const deep = echo({ value: [echo({ value: 1 })] });
    const keys = [
      keyOf(deep),
      keyOf(echo({ value: [echo({ value: 2 })] })),
      keyOf(echo({ value: [1] })),
      keyOf(own({ value: [echo({ value: 1 })] })),
      keyOf(deep, { namespace: "other" }),
      keyOf(deep, { versions: new Map([["echo", "edited"]]) }),
    ];
    expect(new Set(keys).size).toBe(keys.length);
    expect(keyOf(echo({ value: [echo({ value: 1 })] }))).toBe(keys[0]);
  });

  test("keeps the key of a task with a version of its own when its code is edited", () => {
    const edited = { versions: new Map([["own", "edited"]]) };
    expect(keyOf(own({ value: 1 }), edited)).toBe(keyOf(own({ value: 1 })));
    expect(keyOf(echo({ value: 1 }), { versions: new Map([["echo", "edited"]]) })).not.toBe(keyOf(echo({ value: 1 })));
  });
});

describe("planning refuses", () => {
  test.each([
    ["a definition", echo, "tasks[0] is not a task but the definition echo: call it with params, echo({ … })"],
    ["a promise", Promise.resolve(1), "tasks[0] is not a task but an object (Promise)"],
    ["nothing", undefined, "tasks[0] is not a task but undefined"],
    [
      "a handle",
      new ObjectRef({ object: "o", bytes: 1, hash: "h" }),
      "tasks[0] is not a task but an ObjectRef: load it with lab.get",
    ],
    ["a bare object", Object.create(null), "tasks[0] is not a task but an object (unknown)"],
  ])("%s instead of a task", (_, value, message) => {
    expect(refusal(value)).toBe(`LabOptionError (invalid-option): ${message}`);
  });

  test("a task that the task module does not export, and says what it does", () => {
    const stranger = task({ name: "stranger", run: () => 1 });
    expect(refusal(echo({ value: stranger() }))).toBe(
      "InvalidTaskError (unknown-task): task stranger is not exported by tasks.ts; executors can only find what it exports (echo, own, sized). Export it there",
    );
  });

  test("tasks that depend on each other, and names the circle", () => {
    const value: unknown[] = [];
    const first = echo({ value });
    value.push(own({ value: { first } }));
    expect(refusal(first)).toMatch(
      /InvalidTaskError \(cycle\): tasks depend on each other in a circle: (echo -> own -> echo|own -> echo -> own)$/,
    );
  });

  test.each([
    ["a function", { items: [0, 1, 2, { fn: () => 1 }] }, "params.value.items[3].fn is the function fn"],
    ["a class instance", [new (class Socket {})()], "params.value[0] is an instance of the class Socket"],
    ["a symbol", { "a key": Symbol("s") }, 'params.value["a key"] is the symbol s'],
    ["a promise", Promise.resolve(1), "params.value is a Promise"],
  ])("params with %s, and says where it is", (_, value, where) => {
    expect(refusal(echo({ value }))).toContain(`InvalidTaskError (not-serializable): task echo: ${where}`);
  });

  test("params with a definition where a task is wanted", () => {
    expect(refusal(echo({ value: { model: own } }))).toContain("params.value.model is the function own");
  });

  test("two definitions of one name, since executors know but one", () => {
    const other = task({ name: "echo", run: ({ value }: { value: unknown }) => [value, "other"] });
    expect(refusal(echo({ value: 1 }), other({ value: 1 }))).toContain("InvalidTaskError (duplicate-task)");
  });

  test("runner options out of bounds, naming task and option", () => {
    expect(refusal(sized({ memoryMb: 64 })({ value: 1 }))).toBe(
      "InvalidTaskError (invalid-option): task sized: runner option memoryMb must be a number of MB, at least 128, got 64",
    );
  });

  test.each([
    ["calculates with it", (p: { value: unknown }) => ({ memoryMb: 1024 * (p.value as number) })],
    ["reads from it", (p: { value: unknown }) => ({ memoryMb: (p.value as number[]).length })],
    ["hands it on", (p: { value: unknown }) => ({ memoryMb: p.value as number })],
  ])("runner options that need a result which is not there yet: %s", (_, runnerOptions) => {
    expect(refusal(sized(runnerOptions)({ value: echo({ value: 3 }) }))).toBe(
      "InvalidTaskError (invalid-option): task sized: runnerOptions looks into the result of echo, which is not known before it has run. Base runner options on plain params only",
    );
  });

  test.each([
    ["nothing", undefined],
    ["a number", 512],
    ["null", null],
    ["a promise", Promise.resolve({ memoryMb: 512 })],
  ])("a runnerOptions function that returns %s", (_, returned) => {
    const options = (() => returned) as unknown as () => RunnerOptions;
    expect(refusal(sized(options)({ value: 1 }))).toMatch(
      /^InvalidTaskError \(invalid-option\): task sized: runnerOptions must be an object of options, got (undefined|512|null|Promise \{ .*\})$/,
    );
  });

  test("a runnerOptions function that throws, with its error as the cause", () => {
    const broken = new RangeError("no such size");
    const options = () => {
      throw broken;
    };
    expect(refusal(sized(options)({ value: 1 }))).toBe(
      "InvalidTaskError (invalid-option): task sized: runnerOptions threw RangeError: no such size",
    );
    expect(() => plan(sized(options)({ value: 1 }))).toThrow(expect.objectContaining({ cause: broken }));
  });
});

describe("a definition", () => {
  test.each<[unknown, string]>([
    [{ run: () => 1 }, 'name must be 1 to 100 letters, digits, "_", "-" or ".", got undefined'],
    [{ name: "", run: () => 1 }, 'got ""'],
    [{ name: "a b", run: () => 1 }, 'got "a b"'],
    [{ name: "x".repeat(101), run: () => 1 }, "name must be 1 to 100 letters"],
    [{ name: "t", run: 1 }, "task t: run must be a function, got number"],
    [undefined, "name must be"],
  ])("is refused where it has no proper name or run: %o", (config, message) => {
    expect(() => task(config as never)).toThrow(InvalidTaskError);
    expect(() => task(config as never)).toThrow(message);
  });

  test("makes tasks that read as one would write them, and stay as they are", () => {
    const made = echo({ value: { seed: 1, text: "x" } });
    expect(String(made)).toBe("echo({ value: { seed: 1, text: 'x' } })");
    expect(String(echo({ value: "y".repeat(500) })).length).toBeLessThanOrEqual(80);
    expect(String(echo({ value: [made] }))).toBe("echo({ value: [ echo({ value: { seed: 1, text: 'x' } }) ] })");
    expect(() => Object.assign(made, { params: 1 })).toThrow(TypeError);
    expect(LabOptionError.name).toBe("LabOptionError");
  });
});
