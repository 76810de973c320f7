import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Executors } from "../../sdk/core/executors.ts";
import type { Lane } from "../../sdk/core/offer.ts";

const lane = (pool: string, group = "g"): Lane => ({
  name: pool,
  service: "fargate",
  group,
  pool,
  cpus: 1,
  memoryMb: 2_048,
  gpus: 0,
  spot: false,
});

describe("executors", () => {
  test("are idle from the start, and the one that was idle last is taken first", () => {
    const executors = new Executors();
    executors.add("a", lane("p"));
    executors.add("b", lane("p"));
    expect(executors.takeIdle("p")?.id).toBe("b");
    expect(executors.takeIdle("p")?.id).toBe("a");
    expect(executors.takeIdle("p")).toBeUndefined();
    executors.setIdle(executors.get("b") as NonNullable<ReturnType<typeof executors.get>>);
    expect(executors.takeIdle("p")?.id).toBe("b");
  });

  test("of one pool do not serve another", () => {
    const executors = new Executors();
    executors.add("a", lane("p"));
    expect(executors.takeIdle("q")).toBeUndefined();
    expect([executors.members("p").size, executors.members("q").size]).toEqual([1, 0]);
  });

  test("that are removed are neither found nor taken", () => {
    const executors = new Executors();
    executors.add("a", lane("p"));
    const [executor] = executors.members("p");
    executors.remove(executor);
    expect([executors.get("a"), executors.takeIdle("p"), executors.members("p").size]).toEqual([
      undefined,
      undefined,
      0,
    ]);
  });

  test("that idle elsewhere are found in the same group only, the one that idles longest first", () => {
    const executors = new Executors();
    executors.add("mine", lane("p"));
    executors.add("old", lane("q"));
    executors.add("new", lane("q"));
    executors.add("foreign", lane("r", "h"));
    expect(executors.idleElsewhere("g", "p")?.id).toBe("old");
    expect(executors.idleElsewhere("h", "p")?.id).toBe("foreign");
    expect(executors.idleElsewhere("h", "r")).toBeUndefined();
  });

  test("on their way are counted, never below none", () => {
    const executors = new Executors();
    executors.changeStarting("p", 2);
    executors.changeStarting("p", -1);
    expect(executors.starting("p")).toBe(1);
    executors.changeStarting("p", -5);
    expect(executors.starting("p")).toBe(0);
  });
});

test("whatever comes and goes, idle ones are taken last in, first out, as a naive model has it", () => {
  const step = fc.constantFrom("add", "take", "give back", "remove idle", "remove busy");
  fc.assert(
    fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
      const executors = new Executors();
      const idle: string[] = [];
      const busy: string[] = [];
      let added = 0;
      const known = (id: string) => executors.get(id) as NonNullable<ReturnType<typeof executors.get>>;
      for (const what of steps) {
        if (what === "add") {
          const id = String(added++);
          executors.add(id, lane("p"));
          idle.push(id);
        } else if (what === "take") {
          const id = idle.pop();
          expect(executors.takeIdle("p")?.id).toBe(id);
          if (id !== undefined) busy.push(id);
        } else if (what === "give back" && busy.length > 0) {
          const id = busy.shift() as string;
          executors.setIdle(known(id));
          idle.push(id);
        } else if (what === "remove idle" && idle.length > 0) {
          executors.remove(known(idle.shift() as string));
        } else if (what === "remove busy" && busy.length > 0) {
          executors.remove(known(busy.pop() as string));
        }
        expect(executors.members("p").size).toBe(idle.length + busy.length);
        expect(executors.idleElsewhere("g", "another")?.id).toBe(idle[0]);
      }
    }),
  );
});
