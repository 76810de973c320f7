import { describe, expect, test } from "vitest";
import { launchAll } from "../../bench/fargate-1k.ts";
import { boundSeconds, RAMPS, ramp } from "../../bench/ramp-10k.ts";

describe("10,000 tasks of a second on simulated Lambda", () => {
  test.each(RAMPS.filter(({ reallyAllowed }) => reallyAllowed === undefined))(
    "at concurrency $concurrency with $copies functions make full use of the quotas, and run into none",
    (setting) => {
      const { seconds, throttledShare } = ramp(setting, 5);
      expect(seconds / boundSeconds(setting)).toBeLessThan(1.15);
      expect(throttledShare).toBe(0);
    },
  );

  test("find out what others leave of the account", () => {
    const setting = { concurrency: 1_000, copies: 1, reallyAllowed: 600 };
    const { seconds, throttled } = ramp(setting, 5);
    expect(seconds / boundSeconds(setting)).toBeLessThan(1.3);
    // All that was too much at once is refused once; after that hardly anything.
    expect(throttled).toBeLessThan(450);
  });
});

test.each([1, 2, 3, 4])("a thousand ECS tasks take a hundred RunTask calls, none throttled (seed %i)", (seed) => {
  const { calls, throttled, launched, launchedBySeconds } = launchAll(seed);
  expect([launched, calls, throttled]).toEqual([1_000, 100, 0]);
  expect(launchedBySeconds / 45).toBeLessThan(1.05);
});
