import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { StorePace } from "../../sdk/core/store-pace.ts";
import { LAMBDA_OFFER } from "./offers.ts";
import { Stage } from "./stage.ts";

const RATES = { reads: 12_000, writes: 4_000, puts: 100, gets: 5_500 };
const NOTHING = { reads: 0, writes: 0, puts: 0, gets: 0 };
const PUT = { ...NOTHING, writes: 1, puts: 1 };

/** Begins tasks as long as they may; how many. */
function fill(pace: StorePace, now: number, type = "a"): number {
  let begun = 0;
  for (; pace.heldUntil(type, now) === undefined; begun++) {
    if (begun > 100_000) throw new Error("nothing holds it back");
    pace.begin([type], now);
  }
  return begun;
}

describe("the pace of stores", () => {
  test("lets tasks of which nothing is known go, and counts them when they tell what they have asked for", () => {
    const pace = new StorePace(RATES);
    for (let n = 0; n < 1_000; n++) {
      expect(pace.heldUntil("a", 0)).toBeUndefined();
      expect(pace.begin(["a"], 0)).toBeUndefined();
    }
    for (let n = 0; n < 150; n++) pace.asked("a", PUT, undefined, 1_000);
    expect(pace.heldUntil("a", 1_000)).toBeGreaterThan(1_000);
    expect(pace.heldUntil("b", 1_000)).toBeUndefined();
  });

  test("lets a second's worth go at once, and then as many as the rate gives", () => {
    const pace = new StorePace(RATES);
    pace.asked("a", PUT, PUT, 0);
    expect(fill(pace, 0)).toBe(100);
    expect(fill(pace, 1_200)).toBe(100);
    expect(fill(pace, 1_700)).toBe(50);
  });

  test("a dispatch of many takes for all of them", () => {
    const pace = new StorePace(RATES);
    pace.asked("a", PUT, PUT, 0);
    expect(pace.begin(new Array(100).fill("a"), 0)).toEqual(PUT);
    expect(pace.heldUntil("a", 0)).toBe(20);
  });

  test("does not hold back what asks for none of what is short", () => {
    const pace = new StorePace(RATES);
    pace.asked("a", PUT, PUT, 0);
    pace.asked("b", { ...NOTHING, writes: 1 }, undefined, 0);
    fill(pace, 0);
    expect(pace.heldUntil("b", 0)).toBeUndefined();
  });

  test("what was expected and not asked for is there for others", () => {
    const pace = new StorePace(RATES);
    pace.asked("a", PUT, PUT, 0);
    const expected = pace.begin(new Array(100).fill("a"), 0);
    for (let n = 0; n < 10; n++) pace.asked("a", NOTHING, expected, 100);
    expect(fill(pace, 100)).toBeGreaterThanOrEqual(10);
  });

  test("a refusal halves the rate of its kind, which grows back within half a minute", () => {
    const pace = new StorePace(RATES);
    pace.asked("a", PUT, PUT, 0);
    fill(pace, 0);
    pace.askedBeside({ ...NOTHING, refused: { ...NOTHING, puts: 3 } }, 0);
    const perSecond = (from: number) => {
      fill(pace, from);
      return fill(pace, from + 500) * 2;
    };
    expect(perSecond(1_000)).toBeLessThan(60);
    expect(perSecond(35_000)).toBe(100);
  });

  test("a look-up of many tasks, told in one sum when it is over, holds nothing back for longer than a second's worth", () => {
    const pace = new StorePace(RATES);
    const read = { ...NOTHING, reads: 1 };
    pace.asked("a", read, read, 0);
    pace.askedBeside({ ...NOTHING, reads: 100_000 }, 20_000);
    expect(pace.heldUntil("a", 20_000)).toBe(20_020);
  });

  test("never lets more go, over any time, than the rates give and a second's worth", () => {
    const steps = fc.array(fc.tuple(fc.nat(400), fc.integer({ min: 1, max: 5 })), { maxLength: 60 });
    fc.assert(
      fc.property(steps, (all) => {
        const pace = new StorePace(RATES);
        pace.asked("a", PUT, PUT, 0);
        let [now, begun] = [0, 0];
        for (const [ms, size] of all) {
          now += ms;
          while (pace.heldUntil("a", now) === undefined) {
            pace.begin(new Array(size).fill("a"), now);
            begun += size;
          }
          // The last dispatch may take more than is there, which is missing to the next.
          expect(begun).toBeLessThanOrEqual(100 + (100 * now) / 1_000 + 5);
        }
      }),
    );
  });
});

describe("the scheduler", () => {
  const stage = (concurrency = 1_000) =>
    new Stage([LAMBDA_OFFER], { concurrency, storeRates: RATES, batch: { targetMs: 100, maxTasks: 1 } });

  test("holds back dispatches that would ask too much of the stores, and goes on when they may", () => {
    const at = stage(200);
    const run = at.run();
    const tasks = at.tasks(run, 400);
    expect(at.open(run)).toHaveLength(200);
    at.now = 1_000;
    for (let n = 0; n < 200; n++) {
      at.step({ type: "asked-stores", requests: PUT, by: { assignment: n, task: tasks[n] } });
      at.ok(n, tasks[n]);
    }
    // Half of a second's worth was asked for by those that have ended, the other half is to be by these.
    expect(at.scheduler.inFlight).toBe(50);
    for (const more of [2, 4, 6]) {
      while (at.scheduler.inFlight < 50 + more) at.wake();
      // By now the other 150 are made up for; 2 may go in 20 ms.
      expect([at.now, at.scheduler.inFlight]).toEqual([1_000 + 1_500 + more * 10, 50 + more]);
      // All the time since these have ended.
      expect(at.scheduler.heldMs).toBe(at.now - 1_000);
    }
  });

  test("never holds back a lone task, nor what the stores take in a second", () => {
    const at = stage();
    for (let n = 0; n < 5; n++) {
      at.now = n * 1_500;
      const run = at.run();
      const [task, ...others] = at.tasks(run, 90);
      const begun = at.open(run, [task, ...others]).filter((told) => told.type === "dispatch");
      expect(begun).toHaveLength(90);
      at.now += 10;
      for (const { assignment, tasks } of begun) {
        at.step({ type: "asked-stores", requests: PUT, by: { assignment, task: tasks[0] } });
        at.ok(assignment, tasks[0]);
      }
    }
  });
});
