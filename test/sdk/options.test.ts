import fc from "fast-check";
import { afterEach, describe, expect, test, vi } from "vitest";
import { InvalidTaskError, LabOptionError } from "../../sdk/errors.ts";
import { Lab } from "../../sdk/lab.ts";
import { chooseRunner, type LabOptions } from "../../sdk/lab-options.ts";
import { type RunnerOptions, resolveOptions } from "../../sdk/runner-options.ts";
import { task } from "../../sdk/task.ts";

const tasks = "./tasks.ts";
const lab = (options: unknown) => new Lab(options as LabOptions);

afterEach(() => vi.unstubAllEnvs());

describe("a lab", () => {
  // What is wrong, the options, and what the message says: what was got, what is allowed, how to mend it.
  test.each<[string, unknown, string]>([
    ["no options", undefined, 'new Lab needs options, at least { tasks: import.meta.resolve("./tasks.ts") }'],
    ["definitions as tasks", { tasks: [] }, "tasks must be the path or URL of the module that exports your tasks, "],
    ["an unknown option", { tasks, concurency: 2 }, "new Lab: unknown option concurency; known are tasks, runner, "],
    ["no concurrency", { tasks, concurrency: 0 }, "concurrency must be a whole number, at least 1, got 0"],
    ["half a concurrency", { tasks, concurrency: 1.5 }, "concurrency must be a whole number, at least 1, got 1.5"],
    ["a concurrency as text", { tasks, concurrency: "2" }, 'concurrency must be a whole number, at least 1, got "2"'],
    [
      "a namespace with blanks",
      { tasks, namespace: "my lab" },
      'namespace must be 1 to 64 letters, digits, "_", "-" or ".", got "my lab"',
    ],
    [
      "a namespace that is none",
      { tasks, namespace: 7 },
      'namespace must be 1 to 64 letters, digits, "_", "-" or ".", got 7',
    ],
    [
      "an empty storage",
      { tasks, storage: "" },
      'storage must be a folder, a file:// URL, s3://bucket/prefix or false, got ""',
    ],
    [
      "a storage that is none",
      { tasks, storage: 7 },
      "storage must be a folder, a file:// URL, s3://bucket/prefix or false, got 7",
    ],
    [
      "an unknown runner",
      { tasks, runner: "ray" },
      'runner must be "local", "aws", "inline" or a runner object (with storeAddress, open, startExecutors, stopExecutor, dispatch, kill, close), got "ray"',
    ],
    ["no runner", { tasks, runner: null }, "kill, close), got null"],
    [
      "half a runner",
      { tasks, runner: { name: "mine", open() {} } },
      "or a runner object (with storeAddress, open, startExecutors, stopExecutor, dispatch, kill, close), got { name: 'mine', open: [Function: open] }",
    ],
    [
      "a resource of nothing",
      { tasks, resources: { licence: 0 } },
      "resources must be an object of amounts above 0 by name, got { licence: 0 }",
    ],
    [
      "a resource as text",
      { tasks, resources: { licence: "2" } },
      "resources must be an object of amounts above 0 by name, got { licence: '2' }",
    ],
    [
      "resources that are none",
      { tasks, resources: "licence" },
      'resources must be an object of amounts above 0 by name, got "licence"',
    ],
    ["progress as text", { tasks, progress: "bars" }, 'progress must be true, false or a function, got "bars"'],
    [
      "a quantile that is none",
      { tasks, speculation: { quantile: 95 } },
      "speculation must be true, false or { quantile, factor }: above 0.5 and at most 1, and at least 1, got { quantile: 95 }",
    ],
    ["a factor below one", { tasks, speculation: { factor: 0.5 } }, "and at least 1, got { factor: 0.5 }"],
    ["speculation as text", { tasks, speculation: "on" }, 'and at least 1, got "on"'],
    ["an interrupt as text", { tasks, handleInterrupt: "no" }, 'handleInterrupt must be true or false, got "no"'],
  ])("with %s is refused at once", (_, options, message) => {
    expect(() => lab(options)).toThrow(LabOptionError);
    expect(() => lab(options)).toThrow(message);
  });

  test("takes its runner from the environment where the code does not say", () => {
    vi.stubEnv("STRATOLAB_RUNNER", "inline");
    expect(chooseRunner({}).name).toBe("inline");
    expect(chooseRunner({ runner: "local" }).name).toBe("local");
    vi.stubEnv("STRATOLAB_RUNNER", "");
    expect(chooseRunner({}).name).toBe("local");
    vi.stubEnv("STRATOLAB_RUNNER", "lambda");
    expect(() => lab({ tasks })).toThrow(
      'the environment variable STRATOLAB_RUNNER must be "local", "aws", "inline", got "lambda"',
    );
  });

  test("that is closed says so, whatever it is asked for", async () => {
    const closed = lab({ tasks, progress: false });
    await closed.close();
    await closed.close();
    const made = task({ name: "made", run: () => 1 })();
    for (const call of [() => closed.runTask(made), () => closed.isCached(made), () => closed.put(1)]) {
      await expect(call()).rejects.toMatchObject({ name: "LabError", kind: "closed" });
    }
  });
});

describe("options of a call", () => {
  const unopened = lab({ tasks: "./there-is-none.ts", progress: false });
  const made = task({ name: "made", run: () => 1 })();

  test.each<[string, () => Promise<unknown>, string]>([
    [
      "runTasks",
      () => unopened.runTasks([made], { bustcache: true } as never),
      "runTasks: unknown option bustcache; known are bustCache, deadlineMs, failFast, maxCostUsd, name, runId, signal, tags",
    ],
    [
      "runTasks by yesterday",
      () => unopened.runTasks([made], { deadlineMs: -1 }),
      "runTasks: deadlineMs must be a number of milliseconds above 0, got -1",
    ],
    [
      "runTasks for nothing",
      () => unopened.runTasks([made], { maxCostUsd: 0 }),
      "runTasks: maxCostUsd must be a number of dollars above 0, got 0",
    ],
    ["runTasks without a list", () => unopened.runTasks(made as never), "runTasks needs an array of tasks, got object"],
    [
      "wait",
      () => unopened.wait([made], { counts: 1 } as never),
      "wait: unknown option counts; known are count, timeoutMs",
    ],
    ["wait without a list", () => unopened.wait(made as never), "wait needs an array of tasks or refs, got object"],
    [
      "wait for too many",
      () => unopened.wait([made], { count: 2 }),
      "wait: count must be a whole number from 0 to 1 (the number of items), got 2",
    ],
    [
      "wait for less than no time",
      () => unopened.wait([made], { timeoutMs: -1 }),
      "wait: timeoutMs must be a number of milliseconds, at least 0, got -1",
    ],
    [
      "cancel",
      () => unopened.cancel(made, { forced: true } as never),
      "cancel: unknown option forced; known are force",
    ],
    [
      "cachedTasks",
      () => unopened.cachedTasks({ name: "made" } as never),
      "cachedTasks: unknown option name; known are type, olderThanMs",
    ],
  ])("are checked before anything is opened: %s", async (_, call, message) => {
    await expect(call()).rejects.toMatchObject({ name: "LabOptionError", message });
  });
});

describe("runner options", () => {
  const resolve = (options: unknown) => resolveOptions(options as RunnerOptions, "train");

  test("have defaults", () => {
    expect(resolve({})).toEqual({
      demand: { numCpus: 1, numGpus: 0, spot: true, resources: {} },
      policy: { maxRetries: 3, retryOn: false, maxOomRetries: 3 },
    });
    expect(resolve({ memoryMb: 4096 }).demand).toEqual({ memoryMb: 4096, numGpus: 0, spot: true, resources: {} });
  });

  test("take classes of errors by their names", () => {
    class NetworkError extends Error {}
    expect(resolve({ retryOn: [NetworkError, "TypeError"] }).policy.retryOn).toEqual(["NetworkError", "TypeError"]);
  });

  test.each<[keyof RunnerOptions, unknown, string]>([
    ["numCpus", 0, "a number of vCPUs above 0, got 0"],
    ["numCpus", Number.NaN, "a number of vCPUs above 0, got NaN"],
    ["numGpus", 0.5, "a whole number, at least 0, got 0.5"],
    ["gpuType", "", 'a non-empty string, got ""'],
    ["memoryMb", 127, "a number of MB, at least 128, got 127"],
    ["memoryMb", Number.POSITIVE_INFINITY, "a number of MB, at least 128, got Infinity"],
    ["memoryMb", "2 GB", 'a number of MB, at least 128, got "2 GB"'],
    ["timeoutMs", 0, "a number of milliseconds above 0, at most 2147483647, got 0"],
    ["timeoutMs", 2 ** 31, "a number of milliseconds above 0, at most 2147483647, got 2147483648"],
    ["ephemeralStorageMb", -1, "a number of MB above 0, got -1"],
    ["maxRetries", -1, "a whole number, at least 0, got -1"],
    ["maxRetries", true, "a whole number, at least 0, got true"],
    ["retryOn", "NetworkError", 'true, false, or a list of error classes or their names, got "NetworkError"'],
    ["retryOn", [404], "true, false, or a list of error classes or their names, got [ 404 ]"],
    ["maxOomRetries", 1.5, "a whole number, at least 0, got 1.5"],
    ["spot", "no", 'true or false, got "no"'],
    ["executor", "fargate", '"lambda" or "ecs", got "fargate"'],
    ["resources", { licence: 0 }, "an object of amounts above 0 by name, got { licence: 0 }"],
    ["resources", ["licence"], "an object of amounts above 0 by name, got [ 'licence' ]"],
  ])("refuse %s: %o", (name, value, allowedAndGot) => {
    expect(() => resolve({ [name]: value })).toThrow(InvalidTaskError);
    expect(() => resolve({ [name]: value })).toThrow(`task train: runner option ${name} must be ${allowedAndGot}`);
  });

  test("refuse names that nobody would look at, and say which there are", () => {
    expect(() => resolve({ memoryMB: 1024 })).toThrow(
      "task train: unknown runner option memoryMB; known are numCpus, ",
    );
    expect(() => resolve({ toString: 1 })).toThrow("unknown runner option toString");
  });

  test("that are allowed reach the scheduler as they were given", () => {
    const allowed = fc.record(
      {
        numCpus: fc.double({ min: 0.01, max: 192, noNaN: true }),
        numGpus: fc.nat(16),
        gpuType: fc.constantFrom("t4", "a10g"),
        memoryMb: fc.integer({ min: 128, max: 1_000_000 }),
        timeoutMs: fc.integer({ min: 1, max: 2 ** 31 - 1 }),
        ephemeralStorageMb: fc.integer({ min: 1, max: 1_000_000 }),
        spot: fc.boolean(),
        executor: fc.constantFrom("lambda", "ecs"),
        resources: fc.dictionary(fc.constantFrom("a", "b"), fc.integer({ min: 1 })),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(allowed, (options) => {
        expect(resolve(options).demand).toMatchObject(options);
      }),
    );
  });

  test("that are undefined count as left out", () => {
    const names: (keyof RunnerOptions)[] = [
      "numCpus",
      "memoryMb",
      "timeoutMs",
      "maxRetries",
      "retryOn",
      "resources",
      "spot",
    ];
    expect(resolve(Object.fromEntries(names.map((name) => [name, undefined])))).toEqual(resolve({}));
  });
});
