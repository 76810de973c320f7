import fc from "fast-check";
import { expect, test } from "vitest";
import { type Timer, Timers } from "../../sdk/core/timers.ts";

test("without timers nothing is due", () => {
  const timers = new Timers();
  expect([timers.nextAt, timers.due(Number.POSITIVE_INFINITY)]).toEqual([undefined, undefined]);
});

test("a timer is due from its moment on", () => {
  const timers = new Timers();
  timers.add({ at: 10, purpose: 1, subject: 2 });
  expect(timers.due(9)).toBeUndefined();
  expect(timers.nextAt).toBe(10);
  expect(timers.due(10)).toEqual({ at: 10, purpose: 1, subject: 2 });
  expect(timers.nextAt).toBeUndefined();
});

test("whatever is added and whenever one asks, the earliest comes first and none is lost", () => {
  const timer = fc.record({ at: fc.integer({ min: 0, max: 50 }), purpose: fc.integer(), subject: fc.integer() });
  const asking = fc.record({ now: fc.integer({ min: 0, max: 60 }) });
  fc.assert(
    fc.property(fc.array(fc.oneof(timer, asking, fc.constant({ now: 100 })), { maxLength: 200 }), (steps) => {
      const timers = new Timers();
      const model: Timer[] = [];
      for (const step of steps) {
        if ("at" in step) {
          timers.add(step);
          model.push(step);
        } else {
          const earliest = Math.min(...model.map(({ at }) => at));
          const due = timers.due(step.now);
          if (due === undefined) {
            expect(earliest).toBeGreaterThan(step.now);
          } else {
            // Of timers for one moment any may come first, but each only once.
            expect(due.at).toBe(earliest);
            expect(model).toContain(due);
            model.splice(model.indexOf(due), 1);
          }
        }
        expect(timers.nextAt).toBe(model.length === 0 ? undefined : Math.min(...model.map(({ at }) => at)));
      }
    }),
  );
});
