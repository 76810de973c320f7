import { Lab, type LabOptions } from "stratolab";
import { describe, expect, test } from "vitest";
import {
  dyingOnce,
  failingOnce,
  failingStreams,
  putting,
  reading,
  SIZE,
  severalReturns,
  type Where,
} from "./fixtures/put-tasks.ts";

const BESIDE: ReadonlySet<string> = new Set(["run", "message"]);

/** What becomes of the objects that tasks put. */
export function putSuite(title: string, options: () => Partial<LabOptions>, where: Omit<Where, "salt"> = {}): void {
  /**
   * Large objects that a lab's storage has come to hold, with the kinds of their holders: not with the records of runs
   * and the messages to executors that name them as well, which differ between runners.
   */
  const added = async (run: (lab: Lab, salt: number) => Promise<void>) => {
    await using lab = new Lab({
      tasks: new URL("fixtures/put-tasks.ts", import.meta.url),
      namespace: `put-${Date.now()}`,
      progress: false,
      concurrency: 2,
      ...options(),
    });
    const before = new Set((await lab.objects()).map(({ object }) => object));
    await run(lab, Date.now() % 1e9);
    const after = await lab.objects();
    const fresh = after.filter(({ object, bytes }) => !before.has(object) && bytes > SIZE * 2);
    const lasting = fresh.map(({ holders }) => holders.map(({ kind }) => kind).filter((kind) => !BESIDE.has(kind)));
    return lasting.map((kinds) => [...new Set(kinds)].join()).sort();
  };

  describe(`of what tasks put on ${title}`, () => {
    test("that stays which results name or tasks were given, and the rest goes with the attempt", async () => {
      const held = await added(async (lab, salt) => {
        const made = putting({ salt, ...where });
        const { outer, seen } = await lab.runTask(made);
        expect(seen).toEqual([3, 4]);
        expect(await lab.runTask(reading({ from: made, salt, ...where }))).toBe(salt + 1);
        const { inner } = (await lab.get(outer)) as never as { inner: typeof outer };
        expect((await lab.get(inner)) as unknown).toHaveLength(SIZE);
      });
      expect(held).toEqual(["object", "params", "result"]);
    });

    test("an attempt finds what an earlier one has put that failed", async () => {
      const held = await added(async (lab, salt) => {
        const { kept } = await lab.runTask(failingOnce({ salt, ...where }));
        expect((await lab.get(kept))[0]).toBe(salt + 1);
      });
      expect(held).toEqual(["result"]);
    });

    test("streams go with an attempt that failed, unless something of it can name them", async () => {
      const held = await added(async (lab, salt) => {
        const { kept } = await lab.runTask(failingStreams({ salt, ...where }));
        expect((await lab.get(kept)).byteLength).toBe(SIZE * 8);
      });
      // Of the one within another object nobody tells that it cannot be needed.
      expect(held).toEqual(["", "params", "result"]);
    });

    // In this process nobody would be left to tell.
    if (options().runner !== "inline")
      test("a stream of an attempt whose process died stays: nobody knows its name but a clean-up", async () => {
        const held = await added(async (lab, salt) => {
          const { kept } = await lab.runTask(dyingOnce({ salt, ...where }));
          expect((await lab.get(kept)).byteLength).toBe(SIZE * 8);
        });
        expect(held).toEqual(["", "result"]);
      });

    test("each of several returns names its own", async () => {
      const held = await added(async (lab, salt) => {
        const { one, other } = await lab.runTask(severalReturns({ salt, ...where }));
        expect((await lab.get([one.ref, other.ref])).map(([first]) => first - salt)).toEqual([1, 2]);
      });
      expect(held).toEqual(["result", "result"]);
    });
  });
}
