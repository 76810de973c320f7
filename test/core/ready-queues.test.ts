import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Lane } from "../../sdk/core/offer.ts";
import { ReadyQueues } from "../../sdk/core/ready-queues.ts";

const lane = (name: string): Lane => ({ name, service: "lambda", group: "lambda", cpus: 1, gpus: 0, spot: false });
const A = lane("a");
const B = lane("b");

const ids = (queues: ReadyQueues) => queues.active().map(({ lane: { name }, shape }) => `${name}${shape}`);

describe("ready tasks", () => {
  test("queue by lane and shape", () => {
    const queues = new ReadyQueues();
    queues.push(1, A, 0, {});
    queues.push(2, B, 0, {});
    queues.push(3, A, 1, {});
    queues.push(4, A, 0, {});
    expect(ids(queues)).toEqual(["a0", "b0", "a1"]);
    expect(queues.active().map(({ tasks }) => tasks.size)).toEqual([2, 1, 1]);
  });

  test("come out of a queue in the order they went in", () => {
    const queues = new ReadyQueues();
    for (const task of [5, 3, 9]) queues.push(task, A, 0, {});
    const [{ tasks }] = queues.active();
    expect([tasks.shift(), tasks.shift(), tasks.shift()]).toEqual([5, 3, 9]);
  });

  test("of an empty queue are not active, and come back at the end of the line", () => {
    const queues = new ReadyQueues();
    queues.push(1, A, 0, {});
    queues.push(2, B, 0, {});
    queues.active()[0].tasks.shift();
    expect(ids(queues)).toEqual(["b0"]);
    queues.push(3, A, 0, {});
    expect(ids(queues)).toEqual(["b0", "a0"]);
  });

  test("are served in turns", () => {
    const queues = new ReadyQueues();
    for (const task of [1, 2, 3]) queues.push(task, A, 0, {});
    queues.push(4, B, 0, {});
    queues.rotate(queues.active()[0]);
    expect(ids(queues)).toEqual(["b0", "a0"]);
    queues.rotate(queues.active()[0]);
    expect(ids(queues)).toEqual(["a0", "b0"]);
  });

  test("that went out before their queue was rotated do not bring it back", () => {
    const queues = new ReadyQueues();
    queues.push(1, A, 0, {});
    const [queue] = queues.active();
    queue.tasks.shift();
    expect(queues.active()).toEqual([]);
    queues.rotate(queue);
    expect(queues.active()).toEqual([]);
  });
});

test("every task that went in comes out once, and a long queue never starves a short one", () => {
  fc.assert(
    fc.property(fc.array(fc.nat({ max: 3 }), { maxLength: 100 }), (shapes) => {
      const queues = new ReadyQueues();
      shapes.forEach((shape, task) => {
        queues.push(task, A, shape, {});
      });
      const waiting = new Map<number, number>();
      const served: number[] = [];
      while (queues.active().length > 0) {
        const [queue] = queues.active();
        served.push(queue.tasks.shift() as number);
        queues.rotate(queue);
        for (const shape of [0, 1, 2, 3]) waiting.set(shape, (waiting.get(shape) ?? 0) + 1);
        waiting.set(queue.shape, 0);
        for (const { shape } of queues.active()) expect(waiting.get(shape)).toBeLessThan(4);
      }
      expect(served.sort((a, b) => a - b)).toEqual(shapes.map((_, task) => task));
    }),
  );
});
