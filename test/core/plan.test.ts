import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Cycle, type Plan, plan } from "../../sdk/core/plan.ts";

interface Node {
  readonly name: string;
  dependencies: Node[];
}

const node = (name: string, ...dependencies: Node[]): Node => ({ name, dependencies });

/** A key as tasks have it: by name and by what is below. */
const source = {
  dependenciesOf: (task: Node) => task.dependencies,
  keyOf: (task: Node, keyOf: (dependency: Node) => string) => `${task.name}(${task.dependencies.map(keyOf).join()})`,
};

function planned(result: Plan<Node> | Cycle<Node>): Plan<Node> {
  if ("cycle" in result) throw new Error(`a cycle: ${result.cycle.map(({ name }) => name).join(" -> ")}`);
  return result;
}

describe("a plan", () => {
  test("of nothing is empty", () => {
    expect(plan([], source)).toEqual({ tasks: [], targets: [] });
  });

  test("puts dependencies before those that need them", () => {
    const load = node("load");
    const { tasks, targets } = planned(plan([node("best", node("train", load), node("test", load))], source));
    expect(tasks.map(({ key }) => key)).toEqual([
      "load()",
      "train(load())",
      "test(load())",
      "best(train(load()),test(load()))",
    ]);
    expect(tasks.map(({ dependencies }) => dependencies)).toEqual([[], [0], [0], [1, 2]]);
    expect(targets).toEqual([3]);
  });

  test("has a diamond's root once", () => {
    const root = node("root");
    const { tasks } = planned(plan([node("top", node("left", root), node("right", root))], source));
    expect(tasks.filter(({ task }) => task.name === "root")).toHaveLength(1);
  });

  test("makes one of tasks that are equal, also where they are different objects", () => {
    const top = node("top", node("left", node("root")), node("right", node("root")), node("left", node("root")));
    const { tasks } = planned(plan([top], source));
    expect(tasks.map(({ task }) => task.name)).toEqual(["root", "left", "right", "top"]);
    expect(tasks[3].dependencies).toEqual([1, 2]);
  });

  test("names the place of each task asked for, in the order asked, equal ones at one place", () => {
    const a = node("a");
    const b = node("b", a);
    expect(planned(plan([b, a, node("a"), b], source)).targets).toEqual([1, 0, 0, 1]);
  });

  test("keeps the first of equal tasks", () => {
    const first = node("a");
    expect(planned(plan([first, node("a")], source)).tasks[0].task).toBe(first);
  });

  test("asks for each task's key once, and only when those below are known", () => {
    const root = node("root");
    const asked: string[] = [];
    const counting = {
      ...source,
      keyOf: (task: Node, keyOf: (dependency: Node) => string) => {
        asked.push(task.name);
        return source.keyOf(task, keyOf);
      },
    };
    plan([node("top", node("left", root), node("right", root)), root], counting);
    expect(asked).toEqual(["root", "left", "right", "top"]);
  });
});

describe("a circle", () => {
  test("is given back in order, its first task at both ends", () => {
    const a = node("a");
    const c = node("c", a);
    const b = node("b", c);
    a.dependencies = [b];
    const result = plan([node("start", node("leaf"), a)], source);
    expect("cycle" in result && result.cycle.map(({ name }) => name)).toEqual(["a", "b", "c", "a"]);
  });

  test("of one task that depends on itself is a circle, too", () => {
    const a = node("a");
    a.dependencies = [a];
    const result = plan([a], source);
    expect("cycle" in result && result.cycle.map(({ name }) => name)).toEqual(["a", "a"]);
  });

  test("is found below a task that was planned before", () => {
    const done = node("done");
    const loop = node("loop", done);
    loop.dependencies.push(loop);
    expect(plan([done, loop], source)).toHaveProperty("cycle");
  });
});

test("a chain of 200,000 tasks is planned without overflow", () => {
  let top = node("0");
  for (let index = 1; index < 200_000; index++) top = node(String(index), top);
  const { tasks } = planned(plan([top], { ...source, keyOf: ({ name }) => name }));
  expect(tasks).toHaveLength(200_000);
  expect(
    tasks.every(({ dependencies }, index) => (index === 0 ? dependencies.length === 0 : dependencies[0] === index - 1)),
  ).toBe(true);
});

test("100,000 tasks over one dependency are planned in no time worth mentioning", () => {
  const root = node("root");
  const many = Array.from({ length: 100_000 }, (_, index) => node(String(index), root));
  expect(planned(plan(many, { ...source, keyOf: ({ name }) => name })).tasks).toHaveLength(100_001);
});

describe("for every DAG", () => {
  /** Each task depends on some of those before it; equal names and dependencies make equal tasks. */
  const dag = fc
    .array(fc.record({ name: fc.constantFrom("a", "b", "c"), below: fc.array(fc.nat(), { maxLength: 4 }) }), {
      minLength: 1,
      maxLength: 40,
    })
    .map((specs) => {
      const nodes: Node[] = [];
      for (const { name, below } of specs) {
        nodes.push(node(name, ...(nodes.length === 0 ? [] : below.map((index) => nodes[index % nodes.length]))));
      }
      return nodes;
    });

  test("dependencies come first, keys are distinct, and edges lead to the equals of what they led to", () => {
    fc.assert(
      fc.property(dag, fc.array(fc.nat(), { minLength: 1, maxLength: 8 }), (nodes, wanted) => {
        const targets = wanted.map((index) => nodes[index % nodes.length]);
        const { tasks, targets: positions } = planned(plan(targets, source));
        const naiveKey = (task: Node): string => source.keyOf(task, naiveKey);
        expect(new Set(tasks.map(({ key }) => key)).size).toBe(tasks.length);
        tasks.forEach(({ task, key, dependencies }, position) => {
          expect(key).toBe(naiveKey(task));
          expect(dependencies.every((dependency) => dependency < position)).toBe(true);
          expect(new Set(dependencies.map((dependency) => tasks[dependency].key))).toEqual(
            new Set(task.dependencies.map(naiveKey)),
          );
        });
        expect(positions.map((position) => tasks[position].key)).toEqual(targets.map(naiveKey));
      }),
      { numRuns: 200 },
    );
  });

  test("exactly what the targets reach is in the plan", () => {
    fc.assert(
      fc.property(dag, fc.nat(), (nodes, wanted) => {
        const target = nodes[wanted % nodes.length];
        const reached = new Set<string>();
        const visit = (task: Node): string => {
          const key = source.keyOf(task, visit);
          reached.add(key);
          return key;
        };
        visit(target);
        expect(new Set(planned(plan([target], source)).tasks.map(({ key }) => key))).toEqual(reached);
      }),
      { numRuns: 200 },
    );
  });

  test("an edge back to a task above makes a circle, which is found", () => {
    fc.assert(
      fc.property(dag, (nodes) => {
        const top = node("top", ...nodes);
        nodes[0].dependencies = [...nodes[0].dependencies, top];
        const result = plan([top], source);
        if (!("cycle" in result)) throw new Error("no circle found");
        expect(result.cycle[0]).toBe(result.cycle.at(-1));
        for (let index = 1; index < result.cycle.length; index++) {
          expect(result.cycle[index - 1].dependencies).toContain(result.cycle[index]);
        }
      }),
      { numRuns: 200 },
    );
  });
});
