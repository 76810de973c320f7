import { expect, test } from "vitest";
import { functionsBySize } from "../../sdk/runners/aws/lambda-lanes.ts";
import { type AwsOptions, checkAwsOptions } from "../../sdk/runners/aws/options.ts";

test.each<[object, string]>([
  [{ stack: "" }, 'aws: stack must be a non-empty string, got ""'],
  [{ maxEcsTasks: 1.5 }, "aws: maxEcsTasks must be a whole number, at least 0, got 1.5"],
  [{ newEnvironments: { burst: 0, perSecond: 1 } }, "aws: newEnvironments must be { burst, perSecond }"],
  [{ ecsLaunches: { burst: 10 } }, "aws: ecsLaunches must be { burst, perSecond }"],
  [{ ecsLaunches: { burst: 10, perSecond: 1, more: 1 } }, "a number above 0, got { burst: 10, perSecond: 1, more: 1 }"],
  [{ storeRates: { writes: 0 } }, "aws: storeRates must be { writes, reads, puts, gets }, some or all"],
  [{ storeRates: { objects: 10 } }, "got { objects: 10 }"],
  [{ launches: { burst: 10, perSecond: 1 } }, "aws: unknown option launches"],
])("%o is refused", (options, message) => {
  expect(() => checkAwsOptions(options as AwsOptions)).toThrow(message);
});

test("other quotas than AWS's usual ones may be given", () => {
  const pace = { burst: 500, perSecond: 0.5 };
  expect(() =>
    checkAwsOptions({ newEnvironments: pace, ecsLaunches: pace, storeRates: { puts: 9_000 } }),
  ).not.toThrow();
});

test("identical functions stand together, in the order of the stack", () => {
  const functions = ["a", "b", "c"].map((name, index) => ({
    name,
    memoryMb: index === 1 ? 512 : 1_769,
    timeoutSeconds: 900,
    ephemeralStorageMb: 512,
  }));
  expect([...functionsBySize(functions)]).toEqual([
    [1_769, ["a", "c"]],
    [512, ["b"]],
  ]);
});
