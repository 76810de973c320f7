import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { LAMBDA } from "../../sdk/core/limits.ts";
import type { Lane } from "../../sdk/core/offer.ts";
import { Pacing } from "../../sdk/core/pacing.ts";
import { TokenBucket } from "../../sdk/core/token-bucket.ts";

const lane = (name: string, group: string): Lane => ({
  name,
  service: group === "lambda" ? "lambda" : "fargate",
  group,
  cpus: 1,
  memoryMb: 1_769,
  gpus: 0,
  spot: false,
});
const FUNCTION = lane("lambda 1769 MB", "lambda");
const common = { slots: 1_000, executors: 1_000, resources: {} };

/** Begins as many invocations as may be; gives the functions that took them. */
function fill(pacing: Pacing, now: number, at = FUNCTION): number[] {
  const taken: number[] = [];
  for (let copy = pacing.admit(at, now); copy !== undefined; copy = pacing.admit(at, now)) {
    pacing.begin(at, copy, now);
    taken.push(copy);
  }
  return taken;
}

describe("new environments of a function", () => {
  const pacingOf = (copies: number) =>
    new Pacing([{ ...common, name: "lambda", environments: { burst: 3, perSecond: 1, copies } }]);

  test("come in a burst, then at the quota's rate, and it is told when", () => {
    const pacing = pacingOf(1);
    expect(fill(pacing, 0)).toHaveLength(3);
    // The first call is on its way for a while before the quota takes notice.
    expect(pacing.takeHeldUntil()).toBe(1_200);
    expect(fill(pacing, 1_199)).toHaveLength(0);
    expect(fill(pacing, 1_200)).toHaveLength(1);
    expect(fill(pacing, 3_200)).toHaveLength(2);
  });

  test("are not needed where a warm one is free", () => {
    const pacing = pacingOf(1);
    fill(pacing, 0);
    for (let count = 0; count < 3; count++) pacing.end(FUNCTION, 0, 10);
    pacing.takeHeldUntil();
    expect(fill(pacing, 10)).toHaveLength(3);
  });

  test("come to each of several identical functions at its own rate, taking turns", () => {
    const pacing = pacingOf(2);
    expect(fill(pacing, 0)).toEqual([0, 1, 0, 1, 0, 1]);
    expect(fill(pacing, 1_200)).toHaveLength(2);
  });

  test("of another size are counted apart", () => {
    const pacing = pacingOf(1);
    fill(pacing, 0);
    expect(fill(pacing, 0, lane("lambda 512 MB", "lambda"))).toHaveLength(3);
  });

  test("that had nothing to do for minutes are not counted on", () => {
    const pacing = pacingOf(1);
    fill(pacing, 0);
    for (let count = 0; count < 3; count++) pacing.end(FUNCTION, 0, 10);
    pacing.takeHeldUntil();
    const later = 11 + LAMBDA.environmentKeptMs;
    expect(fill(pacing, later)).toHaveLength(3);
    // They were new ones: no more come for a while.
    expect(pacing.takeHeldUntil()).toBe(later + 1_200);
  });

  test("that were refused are not there", () => {
    const pacing = pacingOf(1);
    fill(pacing, 0);
    pacing.invocationRefused(FUNCTION, 0);
    for (let count = 0; count < 3; count++) pacing.end(FUNCTION, 0, 10);
    expect(fill(pacing, 10)).toHaveLength(2);
  });
});

describe("ECS tasks", () => {
  const pacing = () =>
    new Pacing([{ ...common, name: "fargate", launches: { burst: 100, perSecond: 20, perCall: 10 } }]);

  test("are launched in full calls as long as more are wanted than one call starts", () => {
    const paced = pacing();
    expect(paced.launch("fargate", 1_000, 0)).toBe(100);
    expect(paced.takeHeldUntil()).toBe(700);
    expect(paced.launch("fargate", 900, 699)).toBe(0);
    expect(paced.launch("fargate", 900, 700)).toBe(10);
    paced.takeHeldUntil();
    expect(paced.launch("fargate", 890, 1_440)).toBe(10);
    expect(paced.takeHeldUntil()).toBe(1_700);
  });

  test("go as they are wanted where the bucket has enough", () => {
    const paced = pacing();
    expect(paced.launch("fargate", 13, 0)).toBe(13);
    expect(paced.takeHeldUntil()).toBeUndefined();
  });

  test("that were refused come at half the rate, which grows back within half a minute", () => {
    const paced = pacing();
    paced.launch("fargate", 100, 0);
    paced.launchRefused("fargate", 0);
    paced.launchRefused("fargate", 0);
    expect(paced.launch("fargate", 100, 700)).toBe(0);
    expect(paced.launch("fargate", 100, 1_200)).toBe(10);
    expect(paced.launch("fargate", 1_000, 60_000)).toBe(100);
    expect(paced.launch("fargate", 1_000, 60_700)).toBe(10);
  });

  test("of a quota smaller than a call go call by call", () => {
    const paced = new Pacing([{ ...common, name: "fargate", launches: { burst: 4, perSecond: 1, perCall: 10 } }]);
    expect(paced.launch("fargate", 30, 0)).toBe(4);
    expect(paced.takeHeldUntil()).toBe(4_200);
    expect(paced.launch("fargate", 26, 4_200)).toBe(4);
  });

  test("of a group without a quota go at once", () => {
    expect(new Pacing([{ ...common, name: "ec2" }]).launch("ec2", 500, 0)).toBe(500);
  });
});

test("whatever is asked for when, never more begins in any time than burst and rate allow", () => {
  const steps = fc.array(fc.tuple(fc.integer({ min: 0, max: 3_000 }), fc.integer({ min: 1, max: 30 }), fc.boolean()));
  fc.assert(
    fc.property(steps, (asked) => {
      const pace = { burst: 20, perSecond: 4 };
      const bucket = new TokenBucket(pace);
      const begun: { at: number; count: number }[] = [];
      let now = 0;
      for (const [after, wanted, isRefused] of asked) {
        now += after;
        if (isRefused) bucket.refused(now);
        const count = Math.min(wanted, bucket.available(now));
        bucket.take(count, now);
        begun.push({ at: now, count });
        if (count < wanted) expect(bucket.readyAt(1, now)).toBeGreaterThan(now);
        let since = 0;
        for (const { at, count: earlier } of begun.toReversed()) {
          since += earlier;
          expect(since).toBeLessThanOrEqual(pace.burst + ((now - at) / 1_000) * pace.perSecond + 1e-6);
        }
      }
    }),
  );
});
