import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { RetryPolicy } from "../../sdk/core/demand.ts";
import { BUDGETS, type Decision, decide, nothingSpent, type Spent, type Standing } from "../../sdk/core/ladder.ts";
import { FAILURE_KINDS, type FailureKind } from "../../sdk/wire/outcome.ts";

const POLICY: RetryPolicy = { maxRetries: 3, retryOn: false, maxOomRetries: 3 };
const STANDING: Standing = { canGrow: false, canLeaveSpot: false, canOutlast: false, retryable: false };

interface Row {
  readonly kind: FailureKind;
  readonly spent?: Partial<Spent>;
  readonly policy?: Partial<RetryPolicy>;
  readonly standing?: Partial<Standing>;
  readonly decision: Decision;
  /** What the failure cost; all else must be as it was. */
  readonly costs?: Partial<Spent>;
}

function judge({ kind, spent = {}, policy = {}, standing = {} }: Omit<Row, "decision">) {
  const before = { ...nothingSpent(), ...spent };
  const after = { ...before };
  const decision = decide(kind, after, { ...POLICY, ...policy }, { ...STANDING, ...standing });
  return { decision, before, after };
}

const stay = (backoffMs: number, why: string): Decision => ({ action: "retry", move: "stay", backoffMs, why });
const fail = (why: string): Decision => ({ action: "fail", why });

const ROWS: Record<string, Row> = {
  "a runtime environment that could not be set up is tried once more": {
    kind: "setup-failed",
    standing: { canGrow: true, canLeaveSpot: true, canOutlast: true },
    decision: stay(1_000, "setup failure 1 of 1"),
    costs: { setupFailures: 1 },
  },
  "a runtime environment that could not be set up twice is final": {
    kind: "setup-failed",
    spent: { setupFailures: 1 },
    decision: fail("its runtime environment could not be set up 2 times"),
  },
  "a task's own error is final unless retryOn matches": {
    kind: "user-error",
    decision: fail("the task's own error, not in retryOn"),
  },
  "a task's own error in retryOn is charged and tried again at the same size": {
    kind: "user-error",
    standing: { retryable: true, canGrow: true, canLeaveSpot: true, canOutlast: true },
    decision: stay(200, "the task's own error, in retryOn; retry 1 of 3"),
    costs: { retries: 1 },
  },
  "a task's own error in retryOn is final once maxRetries are used up": {
    kind: "user-error",
    spent: { retries: 3 },
    standing: { retryable: true },
    decision: fail("the task's own error, in retryOn; maxRetries 3 used up"),
  },
  "a lost executor is charged and tried again at the same size": {
    kind: "executor-lost",
    standing: { canGrow: true, canLeaveSpot: true, canOutlast: true },
    decision: stay(200, "the executor was lost; retry 1 of 3"),
    costs: { retries: 1 },
  },
  "the second lost executor is answered with twice the wait": {
    kind: "executor-lost",
    spent: { retries: 1 },
    decision: stay(400, "the executor was lost; retry 2 of 3"),
    costs: { retries: 2 },
  },
  "a lost executor is final once maxRetries are used up": {
    kind: "executor-lost",
    spent: { retries: 3 },
    decision: fail("the executor was lost; maxRetries 3 used up"),
  },
  "a lost executor is final at once with maxRetries 0": {
    kind: "executor-lost",
    policy: { maxRetries: 0 },
    decision: fail("the executor was lost; maxRetries 0 used up"),
  },
  "a timeout is charged": {
    kind: "timeout",
    standing: { canGrow: true, canLeaveSpot: true },
    decision: stay(200, "longer than timeoutMs; retry 1 of 3"),
    costs: { retries: 1 },
  },
  "a timeout is final once maxRetries are used up": {
    kind: "timeout",
    spent: { retries: 3 },
    decision: fail("longer than timeoutMs; maxRetries 3 used up"),
  },
  "a timeout at the service's own longest goes on elsewhere, free of charge": {
    kind: "timeout",
    policy: { maxRetries: 0 },
    standing: { canOutlast: true },
    decision: {
      action: "retry",
      move: "outlast",
      backoffMs: 0,
      why: "cut at the service's longest; free of charge",
    },
  },
  "out of memory goes to the next larger size, free of charge": {
    kind: "out-of-memory",
    policy: { maxRetries: 0, maxOomRetries: 0 },
    standing: { canGrow: true },
    decision: { action: "retry", move: "grow", backoffMs: 0, why: "next larger size; free of charge" },
  },
  "out of memory at the top waits a second, on a budget of its own": {
    kind: "out-of-memory",
    policy: { maxRetries: 0 },
    decision: stay(1_000, "largest size already; retry 1 of 3"),
    costs: { oomAtTop: 1 },
  },
  "out of memory at the top doubles the wait": {
    kind: "out-of-memory",
    spent: { oomAtTop: 2 },
    decision: stay(4_000, "largest size already; retry 3 of 3"),
    costs: { oomAtTop: 3 },
  },
  "out of memory at the top waits a minute at most": {
    kind: "out-of-memory",
    spent: { oomAtTop: 40 },
    policy: { maxOomRetries: 50 },
    decision: stay(60_000, "largest size already; retry 41 of 50"),
    costs: { oomAtTop: 41 },
  },
  "out of memory at the top is final once maxOomRetries are used up": {
    kind: "out-of-memory",
    spent: { oomAtTop: 3 },
    decision: fail("out of memory at the largest size 4 times"),
  },
  "out of memory at the top is final at once with maxOomRetries 0": {
    kind: "out-of-memory",
    policy: { maxOomRetries: 0 },
    decision: fail("out of memory at the largest size 1 time"),
  },
  "a first eviction is free and stays on Spot": {
    kind: "spot-interruption",
    policy: { maxRetries: 0 },
    standing: { canLeaveSpot: true },
    decision: stay(0, "evicted; free of charge"),
    costs: { spotInterruptions: 1 },
  },
  "a second eviction is free and stays on Spot": {
    kind: "spot-interruption",
    spent: { spotInterruptions: 1 },
    standing: { canLeaveSpot: true },
    decision: stay(0, "evicted; free of charge"),
    costs: { spotInterruptions: 2 },
  },
  "a third eviction moves to On-Demand": {
    kind: "spot-interruption",
    spent: { spotInterruptions: 2 },
    standing: { canLeaveSpot: true },
    decision: { action: "retry", move: "leave-spot", backoffMs: 0, why: "evicted 3 times; now On-Demand" },
    costs: { spotInterruptions: 3 },
  },
  "a hundredth eviction is still free where there is nothing but Spot": {
    kind: "spot-interruption",
    spent: { spotInterruptions: 99 },
    policy: { maxRetries: 0 },
    decision: stay(0, "evicted; free of charge"),
    costs: { spotInterruptions: 100 },
  },
  "throttling waits, free of charge": {
    kind: "throttled",
    policy: { maxRetries: 0 },
    decision: stay(200, "throttled; free of charge"),
    costs: { throttles: 1 },
  },
  "throttling waits twice as long the next time": {
    kind: "throttled",
    spent: { throttles: 3 },
    decision: stay(1_600, "throttled; free of charge"),
    costs: { throttles: 4 },
  },
  "throttling waits half a minute at most, however often": {
    kind: "throttled",
    spent: { throttles: 5_000 },
    decision: stay(30_000, "throttled; free of charge"),
    costs: { throttles: 5_001 },
  },
  "a failure to start has a budget of its own": {
    kind: "start-failed",
    policy: { maxRetries: 0 },
    decision: stay(1_000, "start failure 1 of 3"),
    costs: { startFailures: 1 },
  },
  "a failure to start on Spot goes to other capacity": {
    kind: "start-failed",
    standing: { canLeaveSpot: true },
    decision: { action: "retry", move: "leave-spot", backoffMs: 1_000, why: "start failure 1 of 3" },
    costs: { startFailures: 1 },
  },
  "the third failure to start waits four times as long": {
    kind: "start-failed",
    spent: { startFailures: 2 },
    decision: stay(4_000, "start failure 3 of 3"),
    costs: { startFailures: 3 },
  },
  "the fourth failure to start is final": {
    kind: "start-failed",
    spent: { startFailures: 3 },
    standing: { canLeaveSpot: true },
    decision: fail("could not be started 4 times"),
  },
  "a lost input is made again, free of charge": {
    kind: "object-lost",
    policy: { maxRetries: 0 },
    decision: stay(0, "an input was lost; its producer runs again"),
    costs: { objectsLost: 1 },
  },
  "what nobody can make again ends it at once": {
    kind: "object-lost",
    standing: { isLostForGood: true },
    decision: fail("no task can make again what was lost"),
  },
  "losing inputs is bounded": {
    kind: "object-lost",
    spent: { objectsLost: 10 },
    decision: fail("its inputs were lost 11 times"),
  },
  "what was cancelled stays cancelled": {
    kind: "cancelled",
    standing: { canGrow: true, canLeaveSpot: true, canOutlast: true, retryable: true },
    decision: fail("cancelled"),
  },
  "what fits nowhere stays infeasible": {
    kind: "infeasible",
    standing: { canGrow: true, canLeaveSpot: true, canOutlast: true, retryable: true },
    decision: fail("no executor fits"),
  },
};

describe("the failure ladder", () => {
  test.each(Object.entries(ROWS))("%s", (_, row) => {
    const { decision, before, after } = judge(row);
    expect(decision).toEqual(row.decision);
    expect(after).toEqual({ ...before, ...row.costs });
  });

  test("has a row for every kind of failure", () => {
    expect(new Set(Object.values(ROWS).map(({ kind }) => kind))).toEqual(new Set(FAILURE_KINDS));
  });

  test.each(FAILURE_KINDS)("%s is never answered with more than the budgets allow, whatever comes together", (kind) => {
    // Another kind's budget being used up changes nothing for this one.
    const others: Spent = {
      retries: 99,
      oomAtTop: 99,
      spotInterruptions: 99,
      startFailures: 99,
      setupFailures: 99,
      throttles: 99,
      objectsLost: 99,
    };
    const own: Partial<Record<FailureKind, keyof Spent>> = {
      "user-error": "retries",
      "executor-lost": "retries",
      timeout: "retries",
      "out-of-memory": "oomAtTop",
      "setup-failed": "setupFailures",
      "spot-interruption": "spotInterruptions",
      throttled: "throttles",
      "start-failed": "startFailures",
      "object-lost": "objectsLost",
    };
    const mine = own[kind];
    const fresh = judge({ kind, standing: { retryable: true } }).decision;
    const rich = judge({
      kind,
      spent: { ...others, ...(mine ? { [mine]: 0 } : {}) },
      standing: { retryable: true },
    }).decision;
    expect(rich).toEqual(fresh);
  });
});

describe("any series of failures of one task", () => {
  const series = fc.record({
    kinds: fc.array(fc.constantFrom(...FAILURE_KINDS), { maxLength: 60 }),
    maxRetries: fc.integer({ min: 0, max: 5 }),
    maxOomRetries: fc.integer({ min: 0, max: 5 }),
    canGrow: fc.boolean(),
    canLeaveSpot: fc.boolean(),
    canOutlast: fc.boolean(),
    retryable: fc.boolean(),
  });

  test("never spends more than the policy, and ends there", () => {
    fc.assert(
      fc.property(series, ({ kinds, maxRetries, maxOomRetries, ...standing }) => {
        const spent = nothingSpent();
        for (const kind of kinds) {
          const before = { ...spent };
          const decision = decide(kind, spent, { maxRetries, maxOomRetries, retryOn: false }, standing);
          expect(spent.retries).toBeLessThanOrEqual(maxRetries);
          expect(spent.oomAtTop).toBeLessThanOrEqual(maxOomRetries);
          expect(spent.startFailures).toBeLessThanOrEqual(BUDGETS.startFailures);
          expect(spent.objectsLost).toBeLessThanOrEqual(BUDGETS.objectsLost);
          // What is refused costs nothing more, and would be refused again.
          if (decision.action === "fail") {
            expect(spent).toEqual(before);
            expect(decide(kind, spent, { maxRetries, maxOomRetries, retryOn: false }, standing).action).toBe("fail");
          }
        }
      }),
    );
  });

  test("never waits longer than the cap of its kind, and never a negative time", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...FAILURE_KINDS),
        fc.integer({ min: 0, max: 2_000 }),
        fc.integer({ min: 0, max: 5_000 }),
        (kind, already, budget) => {
          const spent: Spent = {
            retries: already,
            oomAtTop: already,
            spotInterruptions: already,
            startFailures: already,
            setupFailures: already,
            throttles: already,
            objectsLost: already,
          };
          const policy = { maxRetries: budget, maxOomRetries: budget, retryOn: true };
          const decision = decide(kind, spent, policy, { ...STANDING, retryable: true });
          if (decision.action === "fail") return;
          expect(decision.backoffMs).toBeGreaterThanOrEqual(0);
          expect(decision.backoffMs).toBeLessThanOrEqual(kind === "out-of-memory" ? 60_000 : 30_000);
        },
      ),
    );
  });

  test("moves to a place only where there is one", () => {
    fc.assert(
      fc.property(series, ({ kinds, maxRetries, maxOomRetries, ...standing }) => {
        const spent = nothingSpent();
        for (const kind of kinds) {
          const decision = decide(kind, spent, { maxRetries, maxOomRetries, retryOn: false }, standing);
          if (decision.action === "fail") continue;
          if (decision.move === "grow") expect(standing.canGrow).toBe(true);
          if (decision.move === "leave-spot") expect(standing.canLeaveSpot).toBe(true);
          if (decision.move === "outlast") expect(standing.canOutlast).toBe(true);
        }
      }),
    );
  });
});
