import { expect, test } from "vitest";
import { Aftermath } from "../../sdk/driver/aftermath.ts";

/** Adds acts that say when they are done: those of one turn of the event loop are in one group. */
function watched(aftermath: Aftermath, count: number) {
  const turns: number[][] = [];
  let isNew = true;
  const done = new Promise<void>((resolve) => {
    for (let act = 0; act < count; act++) {
      aftermath.add(() => {
        if (isNew) turns.push([]);
        isNew = false;
        queueMicrotask(() => {
          isNew = true;
        });
        turns[turns.length - 1].push(act);
        if (act === count - 1) resolve();
      });
    }
  });
  return { turns, done };
}

test("what is left of runs is done in order, four in each turn of the event loop", async () => {
  const { turns, done } = watched(new Aftermath(), 10);
  expect(turns).toEqual([]);
  await done;
  expect(turns).toEqual([
    [0, 1, 2, 3],
    [4, 5, 6, 7],
    [8, 9],
  ]);
});

test("of very many an eighth is done at once, so that they do not pile up", async () => {
  const { turns, done } = watched(new Aftermath(), 160);
  await done;
  expect(turns[0]).toHaveLength(20);
  expect(turns.flat()).toEqual(Array.from({ length: 160 }, (_, act) => act));
});

test("what has to be written now is done at once, all of it, and only once", async () => {
  const aftermath = new Aftermath();
  const { turns } = watched(aftermath, 10);
  aftermath.begin();
  aftermath.begin();
  expect(turns).toEqual([Array.from({ length: 10 }, (_, act) => act)]);
});
