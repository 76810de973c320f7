import { describe, expect, test } from "vitest";
import { thisStack } from "../support/this-stack.ts";
import { runStorm } from "./storm.ts";

describe("a storm over 300 tasks on Lambda and ECS", () => {
  test("loses nothing, doubles nothing, and leaves nothing running", { timeout: 360_000 }, async () => {
    const { expected, outcomes, executions, hits, killed, committed, ecs } = await runStorm({
      seed: 7,
      owner: thisStack().owner,
      cluster: thisStack().outputs.ClusterName,
      faults: true,
    });
    const names = expected.map(({ name, n }) => `${name} ${n}`);

    // Every result is right, and in the control table exactly once; nothing is left running.
    expect(outcomes.map((outcome) => (outcome.kind === "ok" ? outcome.value : outcome))).toEqual(
      expected.map(({ value }) => value),
    );
    expect([...committed].sort()).toEqual([...names].sort());
    expect(ecs.running).toEqual([]);

    // It was a storm.
    for (const rule of ["eviction", "throttle", "lost-answer", "duplicate"]) expect(hits[rule]).toBeGreaterThan(0);
    expect(killed).toHaveLength(2);

    // Each attempt has evidence: why there had to be another, up to the one that brought the result.
    const kinds = outcomes.map(({ attempts }) => attempts.map(({ kind }) => kind));
    for (const of of kinds) {
      expect(of.at(-1)).toBe("ok");
      expect(of.slice(0, -1)).not.toContain("ok");
    }
    // A task that was executed more often than its evidence tells was delivered twice, and by Lambda.
    const unexplained = names.filter((name, index) => (executions.get(name) ?? 0) > kinds[index].length);
    for (const name of unexplained) expect(name).not.toMatch(/^(steady|hungryOnEcs)/);
    expect(names.filter((name) => !executions.has(name))).toEqual([]);

    // Nobody takes an eviction for a lack of memory, nor the reverse.
    const withKind = (kind: string) => names.filter((_, index) => kinds[index].some((each) => each === kind));
    expect(withKind("out-of-memory").sort()).toEqual(names.filter((name) => name.startsWith("hungry")).sort());
    const evicted = withKind("spot-interruption");
    for (const name of evicted) expect(name).toMatch(/^(steady|hungryOnEcs)/);
    expect(evicted.length).toBeGreaterThan(0);
  });
});
