import { describe, expect, it } from "vitest";
import { checkFaultPlan } from "../../localstack/faults/check-plan.ts";
import { draw } from "../../localstack/faults/draw.ts";
import { FaultPlanError } from "../../localstack/faults/fault-plan-error.ts";
import { matches } from "../../localstack/faults/glob.ts";
import { RuleBook } from "../../localstack/faults/rule-book.ts";
import type { FaultRule } from "../../localstack/faults/rules.ts";

const rule = (fields: object) => ({ rules: [fields] });

describe("a fault plan", () => {
  it("is taken when it means something", () => {
    const plan = {
      seed: 7,
      limits: { concurrentInvocations: 10, invokeBytes: 1000 },
      rules: [
        { fault: "latency", delayMs: 20, jitterMs: 10, operation: ["s3:*", "dynamodb:Put*"], from: "executors" },
        { fault: "throttle", id: "slow down", operation: "lambda:Invoke", rate: 0.05, resource: "lab-*" },
        { fault: "spot-interruption", nth: [1, 3], afterMs: 100, noticeMs: 2000, family: "f", cpu: 256, memoryMb: 512 },
        { fault: "stop", stopCode: "SomethingNew", reason: "Nobody documented it." },
      ],
    };
    expect(checkFaultPlan(plan)).toBe(plan);
    expect(checkFaultPlan({})).toEqual({});
  });

  it.each([
    ["no object", [], "a fault plan must be an object such as"],
    ["another field", { rule: [] }, 'the fault plan has no field "rule"; it may have seed, rules, limits'],
    ["a seed of text", { seed: "7" }, 'seed must be a whole number from 0 to 4294967295, got "7"'],
    ["rules that are none", { rules: {} }, "rules must be a list, got {}"],
    ["a rule that is none", { rules: ["throttle"] }, 'rule 1 must be an object such as {"fault"'],
    ["a rule without a fault", rule({}), "rule 1: fault must be one of latency, throttle,"],
    ["an unknown fault", rule({ fault: "oom" }), /fault must be one of .*out-of-memory.*, got "oom"/],
    [
      "a misspelt field",
      rule({ fault: "throttle", rates: 1 }),
      /^rule 1 \(throttle\) has no field "rates"; it may have/,
    ],
    [
      "a field of other faults",
      rule({ fault: "crash", operation: "s3:*" }),
      /^rule 1 \(crash\) has no field "operation"/,
    ],
    ["a rate in percent", rule({ fault: "crash", rate: 5 }), "rate must be a number from 0 to 1, got 5: 5 % is 0.05"],
    ["an nth of 0", rule({ fault: "crash", nth: [1, 0] }), "nth must be a whole number, at least 1, or a list of them"],
    ["an unknown service", rule({ fault: "throttle", operation: "lamda:Invoke" }), "the services are lambda, dynamodb"],
    ["no service", rule({ fault: "throttle", operation: "Invoke" }), 'such as "lambda:Invoke"'],
    [
      "an unknown operation",
      rule({ fault: "throttle", operation: "lambda:Run" }),
      "the operations of lambda are Invoke,",
    ],
    [
      "an unknown reason",
      rule({ fault: "throttle", reason: "Tired" }),
      /reason must be one of Concurrent.*got "Tired"/,
    ],
    ["another status", rule({ fault: "server-error", status: 404 }), "status must be one of 500, 503, got 404"],
    [
      "no delay",
      rule({ fault: "latency" }),
      "rule 1 (latency): delayMs is missing: it must be milliseconds, 0 or more",
    ],
    ["a negative time", rule({ fault: "crash", afterMs: -1 }), "afterMs must be milliseconds, 0 or more, got -1"],
    ["an unknown limit", { limits: { memory: 1 } }, 'limits has no field "memory"; it may have invokeBytes,'],
    [
      "an id given twice",
      {
        rules: [
          { fault: "crash", id: "a" },
          { fault: "crash", id: "a" },
        ],
      },
      'another rule has the id "a"',
    ],
  ])("is refused with %s", (_, plan, message) => {
    expect(() => checkFaultPlan(plan)).toThrow(FaultPlanError);
    expect(() => checkFaultPlan(plan)).toThrow(message);
  });
});

describe("a rule", () => {
  const hitsOf = (fields: Partial<FaultRule>, seed = 1, count = 1000): number[] => {
    const [active] = new RuleBook({ rules: [{ fault: "throttle", ...fields } as FaultRule] }, seed).requestRules;
    return Array.from({ length: count }, (_, index) => (active!.hits("stream") ? index + 1 : 0)).filter(Boolean);
  };

  it("hits its share, the same with the same seed", () => {
    const hits = hitsOf({ rate: 0.05 });
    expect(hits.length).toBeGreaterThan(30);
    expect(hits.length).toBeLessThan(75);
    expect(hitsOf({ rate: 0.05 })).toEqual(hits);
    expect(hitsOf({ rate: 0.05 }, 2)).not.toEqual(hits);
  });

  it("hits the n-th, and at most so many", () => {
    expect(hitsOf({ nth: [2, 5] })).toEqual([2, 5]);
    expect(hitsOf({ nth: 3 })).toEqual([3]);
    expect(hitsOf({ count: 2 })).toEqual([1, 2]);
    expect(hitsOf({ rate: 0 })).toEqual([]);
    expect(hitsOf({}, 1, 3)).toEqual([1, 2, 3]);
  });

  it("hits the same of one stream whatever happens in another", () => {
    const book = () => new RuleBook({ rules: [{ fault: "throttle", rate: 0.5 }] }, 3).requestRules[0]!;
    const [alone, mixed] = [book(), book()];
    const expected = Array.from({ length: 50 }, () => alone.hits("a"));
    const seen = Array.from({ length: 50 }, (_, index) => {
      for (let other = 0; other < index % 3; other += 1) mixed.hits("b");
      return mixed.hits("a");
    });
    expect(seen).toEqual(expected);
  });
});

describe("a draw", () => {
  it("is spread evenly, and neighbours are not alike", () => {
    const tenths = Array(10).fill(0);
    for (let n = 0; n < 10_000; n += 1) tenths[Math.floor(draw(42, "stream", n) * 10)] += 1;
    expect(Math.min(...tenths)).toBeGreaterThan(900);
    expect(Math.max(...tenths)).toBeLessThan(1100);
    const both = Array.from({ length: 10_000 }, (_, n) => n).filter(
      (n) => draw(42, "stream", n) < 0.1 && draw(43, "stream", n) < 0.1,
    ).length;
    expect(both).toBeGreaterThan(60);
    expect(both).toBeLessThan(140);
  });
});

describe("a pattern", () => {
  it.each([
    ["*", "anything", true],
    ["lambda:*", "lambda:Invoke", true],
    ["s3:Get*", "s3:PutObject", false],
    ["*-256", "lab-256", true],
    ["a*b*c", "a1b2c", true],
    ["a*b*c", "acb", false],
    ["ab*ba", "aba", false],
    ["exact", "exactly", false],
  ])("%s on %s", (pattern, text, expected) => {
    expect(matches(pattern, text)).toBe(expected);
  });
});
