import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Semaphore } from "../../runtime/semaphore.ts";

describe("a semaphore", () => {
  test("lets so many through at once, the others in the order they came", async () => {
    const semaphore = new Semaphore(2);
    const entered: number[] = [];
    const enter = async (id: number) => {
      await semaphore.acquire();
      entered.push(id);
    };
    expect(semaphore.acquire()).toBeUndefined();
    const all = [1, 2, 3].map(enter);
    await all[0];
    expect(entered).toEqual([1]);
    semaphore.release();
    await all[1];
    semaphore.release();
    await Promise.all(all);
    expect(entered).toEqual([1, 2, 3]);
  });

  test("is idle when every place is free, and not while somebody waits", async () => {
    const semaphore = new Semaphore(1);
    await semaphore.idle();
    await semaphore.acquire();
    let idle = 0;
    const waiting = [semaphore.idle(), semaphore.idle()].map((each) => each.then(() => idle++));
    const second = semaphore.acquire();
    semaphore.release();
    await second;
    expect(idle).toBe(0);
    semaphore.release();
    await Promise.all(waiting);
    expect(idle).toBe(2);
  });

  test("never lets more through than there are places, however long it takes each", async () => {
    const holds = fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 30 });
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 5 }), holds, async (places, turns) => {
        const semaphore = new Semaphore(places);
        let inside = 0;
        let most = 0;
        const work = turns.map(async (count) => {
          await semaphore.acquire();
          most = Math.max(most, ++inside);
          for (let turn = 0; turn < count; turn++) await null;
          inside -= 1;
          semaphore.release();
        });
        await Promise.all(work);
        await semaphore.idle();
        expect(most).toBe(Math.min(places, turns.length));
      }),
    );
  });
});
