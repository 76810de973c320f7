import { Lab, type LabOptions } from "stratolab";
import { expect, test } from "vitest";
import { MemorySampler } from "../support/memory-sampler.ts";
import { make, total } from "./fixtures/large-tasks.ts";

const MEGABYTES = 300;

/**
 * A result of 300 MB goes from one task to two others.
 *
 * @param mark Text in the environment of the executors, and of no other process.
 * @param ofAll Whether all executors are on one machine, and count together.
 */
export function describeLargeResults(options: Partial<LabOptions>, mark: () => string, ofAll: boolean): void {
  test("a result of 300 MB passes to two tasks, in less than three times its size of memory", async () => {
    const sampler = new MemorySampler(mark());
    const lab = new Lab({ tasks: new URL("./fixtures/large-tasks.ts", import.meta.url), progress: false, ...options });
    try {
      const made = make({ megabytes: MEGABYTES, salt: Date.now() });
      const half = (MEGABYTES * 1_000_000) / 16;
      const floats = Array.from({ length: half % 7 }, (_, index) => index).reduce(
        (a, b) => a + b,
        Math.floor(half / 7) * 21,
      );
      const expected = floats + half * 3;
      expect(await lab.runTasks([total({ made, factor: 1 }), total({ made, factor: 2 })])).toEqual([
        expected,
        expected * 2,
      ]);
    } finally {
      await lab.close();
      sampler.stop();
    }
    expect(sampler.peakOfOne).toBeGreaterThan(MEGABYTES * 0.9);
    expect(ofAll ? sampler.peakOfAll : sampler.peakOfOne).toBeLessThan(3 * MEGABYTES);
  });
}
