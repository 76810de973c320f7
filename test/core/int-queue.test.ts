import fc from "fast-check";
import { expect, test } from "vitest";
import { IntQueue } from "../../sdk/core/int-queue.ts";

test("an empty queue gives nothing", () => {
  const queue = new IntQueue();
  expect([queue.size, queue.peek(), queue.shift()]).toEqual([0, undefined, undefined]);
});

test("peek leaves in place what shift takes out", () => {
  const queue = new IntQueue();
  queue.push(7);
  expect([queue.peek(), queue.peek(), queue.size]).toEqual([7, 7, 1]);
  expect([queue.shift(), queue.size]).toEqual([7, 0]);
});

test("a million integers come out as they went in", () => {
  const queue = new IntQueue();
  for (let value = 0; value < 1e6; value++) queue.push(value);
  for (let value = 0; value < 1e6; value++) if (queue.shift() !== value) throw new Error(`at ${value}`);
  expect(queue.size).toBe(0);
});

test("behaves as an array does, in any order of pushes and shifts", () => {
  const pushOrShift = fc.option(fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }), { freq: 3 });
  fc.assert(
    fc.property(fc.array(pushOrShift, { maxLength: 300 }), (steps) => {
      const queue = new IntQueue();
      const model: number[] = [];
      for (const step of steps) {
        if (step === null) expect(queue.shift()).toBe(model.shift());
        else {
          queue.push(step);
          model.push(step);
        }
        expect([queue.size, queue.peek()]).toEqual([model.length, model[0]]);
      }
    }),
  );
});
