import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Capacity } from "../../sdk/core/capacity.ts";
import type { CapacityGroup } from "../../sdk/core/offer.ts";

const group = (extra: Partial<CapacityGroup> = {}): CapacityGroup => ({
  name: "g",
  slots: 16,
  executors: 0,
  resources: {},
  ...extra,
});
const capacityOf = (extra: Partial<CapacityGroup> = {}) => new Capacity([group(extra)]);

function take(capacity: Capacity, times: number): void {
  for (let count = 0; count < times; count++) capacity.take("g", {});
}

describe("slots", () => {
  test("are given out up to their number, and come back", () => {
    const capacity = capacityOf({ slots: 2 });
    expect(capacity.freeSlots("g")).toBe(2);
    take(capacity, 2);
    expect(capacity.fits("g", {})).toBe(false);
    expect([capacity.inUse("g"), capacity.freeSlots("g")]).toEqual([2, 0]);
    capacity.release("g", {});
    expect(capacity.fits("g", {})).toBe(true);
    expect([capacity.inUse("g"), capacity.freeSlots("g")]).toEqual([1, 1]);
  });

  test("of one group are not those of another", () => {
    const capacity = new Capacity([group({ slots: 1 }), group({ name: "h", slots: 1 })]);
    take(capacity, 1);
    expect([capacity.fits("g", {}), capacity.fits("h", {})]).toEqual([false, true]);
  });

  test("of a group that nobody offered are an error by its name", () => {
    expect(() => capacityOf().fits("nowhere", {})).toThrow("unknown capacity group nowhere");
  });
});

describe("shared amounts", () => {
  test("bind before slots do", () => {
    const capacity = capacityOf({ resources: { cpus: 4, memoryMb: 1_000 } });
    capacity.take("g", { cpus: 3, memoryMb: 100 });
    expect(capacity.fits("g", { cpus: 1 })).toBe(true);
    expect(capacity.fits("g", { cpus: 1.5 })).toBe(false);
    expect(capacity.fits("g", { cpus: 1, memoryMb: 901 })).toBe(false);
    capacity.release("g", { cpus: 3, memoryMb: 100 });
    expect(capacity.fits("g", { cpus: 4, memoryMb: 1_000 })).toBe(true);
  });

  test("that the group does not name are not counted", () => {
    expect(capacityOf().fits("g", { licences: 1_000 })).toBe(true);
  });

  test("are not lost to rounding: ten tenths given back leave room for a whole", () => {
    const capacity = capacityOf({ resources: { cpus: 1 } });
    for (let count = 0; count < 10; count++) {
      expect(capacity.fits("g", { cpus: 0.1 })).toBe(true);
      capacity.take("g", { cpus: 0.1 });
    }
    expect(capacity.fits("g", { cpus: 0.1 })).toBe(false);
    for (let count = 0; count < 10; count++) capacity.release("g", { cpus: 0.1 });
    expect(capacity.fits("g", { cpus: 1 })).toBe(true);
  });
});

describe("executors", () => {
  test("may be started up to the group's number", () => {
    const capacity = capacityOf({ executors: 4 });
    expect(capacity.freeExecutors("g")).toBe(4);
    capacity.changeExecutors("g", 3);
    expect(capacity.freeExecutors("g")).toBe(1);
    capacity.changeExecutors("g", -2);
    expect(capacity.freeExecutors("g")).toBe(3);
  });

  test("are no more than a throttled group may use", () => {
    const capacity = capacityOf({ executors: 16 });
    capacity.changeExecutors("g", 8);
    capacity.throttled("g");
    expect(capacity.freeExecutors("g")).toBe(0);
    capacity.changeExecutors("g", -6);
    expect(capacity.freeExecutors("g")).toBe(2);
  });
});

describe("under throttling", () => {
  test("a group is halved to half of what it really used", () => {
    const capacity = capacityOf();
    take(capacity, 8);
    capacity.throttled("g");
    expect([capacity.freeSlots("g"), capacity.fits("g", {})]).toEqual([0, false]);
    for (let count = 0; count < 8; count++) capacity.release("g", {});
    expect(capacity.freeSlots("g")).toBe(4);
  });

  test("it is halved again with what is then in use, down to one", () => {
    const capacity = capacityOf();
    take(capacity, 1);
    for (let count = 0; count < 5; count++) capacity.throttled("g");
    capacity.release("g", {});
    expect(capacity.freeSlots("g")).toBe(1);
  });

  test("it grows by one for each success to shortly below where it was refused, then by one a window", () => {
    const capacity = capacityOf({ slots: 6 });
    take(capacity, 4);
    capacity.throttled("g");
    for (let count = 0; count < 4; count++) capacity.release("g", {});
    const growth: number[] = [];
    for (let count = 0; count < 12; count++) {
      capacity.succeeded("g");
      growth.push(capacity.freeSlots("g"));
    }
    // Four were in use: up to that at once, four successes make five, five more make six, and there it ends.
    expect(growth).toEqual([3, 4, 4, 4, 4, 5, 5, 5, 5, 5, 6, 6]);
  });

  test("a large group feels its way by a fiftieth a window", () => {
    const capacity = capacityOf({ slots: 10_000 });
    take(capacity, 1_000);
    capacity.throttled("g");
    for (let count = 0; count < 1_000; count++) capacity.release("g", {});
    for (let count = 0; count < 400; count++) capacity.succeeded("g");
    expect(capacity.freeSlots("g")).toBe(900);
    for (let count = 0; count < 900; count++) capacity.succeeded("g");
    expect(capacity.freeSlots("g")).toBe(918);
  });

  test("successes before it do not count towards growth", () => {
    const capacity = capacityOf();
    take(capacity, 2);
    capacity.throttled("g");
    for (let count = 0; count < 3; count++) capacity.succeeded("g");
    capacity.throttled("g");
    capacity.release("g", {});
    capacity.release("g", {});
    expect(capacity.freeSlots("g")).toBe(1);
  });

  test("a limit from outside replaces what was learned", () => {
    const capacity = capacityOf();
    take(capacity, 8);
    capacity.throttled("g");
    capacity.setLimit("g", 10);
    expect(capacity.freeSlots("g")).toBe(2);
  });
});

test("whatever happens, what fits never exceeds the limit, and the limit stays between one and all", () => {
  const steps = fc.array(fc.constantFrom("take", "release", "throttled", "succeeded"), { maxLength: 200 });
  fc.assert(
    fc.property(steps, (happenings) => {
      const capacity = capacityOf({ slots: 6, resources: { cpus: 5 } });
      let used = 0;
      for (const happening of happenings) {
        if (happening === "take" && capacity.fits("g", { cpus: 1 })) {
          capacity.take("g", { cpus: 1 });
          used += 1;
          expect(used).toBeLessThanOrEqual(5);
        } else if (happening === "release" && used > 0) {
          capacity.release("g", { cpus: 1 });
          used -= 1;
        } else if (happening === "throttled") {
          capacity.throttled("g");
        } else if (happening === "succeeded") {
          capacity.succeeded("g");
        }
        expect(capacity.inUse("g")).toBe(used);
        expect(capacity.freeSlots("g")).toBeGreaterThanOrEqual(0);
        expect(capacity.freeSlots("g")).toBeLessThanOrEqual(6);
        if (used === 0) expect(capacity.freeSlots("g")).toBeGreaterThanOrEqual(1);
      }
    }),
  );
});
