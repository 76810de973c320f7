import { describe, expect, test } from "vitest";
import { rateOf, startUsd, timeUsd } from "../../sdk/core/attempt-cost.ts";
import { Bill } from "../../sdk/driver/bill.ts";
import { InFlightBook } from "../../sdk/driver/in-flight.ts";
import { FARGATE, LAMBDA_OFFER, MACHINE, placementOf } from "../core/offers.ts";

const [lambda] = placementOf({ memoryMb: 1_024 }, [LAMBDA_OFFER]).ladder;
const [fargate] = placementOf({ executor: "ecs" }, [FARGATE]).ladder;
const [local] = placementOf({}, [MACHINE]).ladder;
const EXECUTED = { name: "task", startedAt: undefined, endedAt: undefined, traffic: undefined };
const MINUTE = 60_000;

function account() {
  const charged: Record<number, number> = {};
  const bill = new Bill((run, usd) => {
    charged[run] = (charged[run] ?? 0) + usd;
  });
  return { bill, charged, inFlight: new InFlightBook() };
}

describe("the bill of an invocation", () => {
  test("is shared by its attempts, with its start and its end, and no more than its time", () => {
    const { bill, charged, inFlight } = account();
    inFlight.add("1", lambda, undefined, [0, 1], 0);
    const ended = (task: number, startedAt: number, endedAt: number, until?: number) => {
      const billed = { from: 400, ...(until === undefined ? {} : { until }) };
      return bill.ended({ ...EXECUTED, inFlight: inFlight.end("1", task), run: 7, startedAt, endedAt, billed }, 9_999);
    };
    // The second began while the first was being stored.
    const sum = ended(0, 500, 1_500) + ended(1, 1_400, 2_000, 2_400);
    expect(sum).toBeCloseTo(timeUsd(rateOf(lambda), 2_000), 12);
    expect(charged[7]).toBeCloseTo(sum, 12);
  });

  test("goes from its dispatch to when it broke off, and is nothing where it never ran", () => {
    const { bill, charged, inFlight } = account();
    inFlight.add("1", lambda, undefined, [0], 1_000);
    inFlight.add("2", lambda, undefined, [1], 1_000);
    expect(bill.brokenOff({ inFlight: inFlight.take("1"), isFree: true }, 7, 5_000)).toBe(0);
    const usd = bill.brokenOff({ inFlight: inFlight.take("2"), isFree: false }, 7, 5_000);
    expect([usd, charged[7]]).toEqual([timeUsd(rateOf(lambda), 4_000), timeUsd(rateOf(lambda), 4_000)]);
    // It is not awaited any more: what it says now was paid for.
    expect(bill.ended({ ...EXECUTED, inFlight: inFlight.end("2", 1), run: 7 }, 6_000)).toBe(0);
  });
});

describe("the bill of a container", () => {
  test("is its whole time: its first minute at once, idle time with the next attempt, the rest when it is gone", () => {
    const { bill, charged, inFlight } = account();
    bill.askedFor(fargate, 1, 1);
    bill.ready("c", fargate, 0, 5_000);
    expect(charged[1]).toBeCloseTo(timeUsd(rateOf(fargate), 5_000), 12);
    const attempt = (assignment: string, run: number, now: number) => {
      inFlight.add(assignment, fargate, "c", [0], now - 1_000);
      return bill.ended({ ...EXECUTED, inFlight: inFlight.end(assignment, 0), run }, now);
    };
    const first = attempt("1", 1, 10_000);
    const second = attempt("2", 2, 3 * MINUTE);
    const rest = bill.gone("c", 4 * MINUTE);
    expect(first).toBeCloseTo(timeUsd(rateOf(fargate), 10_000), 12);
    expect(first + second + rest).toBeCloseTo(timeUsd(rateOf(fargate), 4 * MINUTE), 9);
    expect(charged[1] + charged[2]).toBeCloseTo(timeUsd(rateOf(fargate), 4 * MINUTE), 9);
    expect(charged[2]).toBeCloseTo(second + rest, 9);
  });

  test("that does not come is nothing, unless it ran; one still on its way at the end is its first minute", () => {
    const { bill, charged } = account();
    bill.askedFor(fargate, 3, 1);
    expect(bill.notStarted(fargate, 1, undefined)).toEqual([1]);
    expect(charged[1]).toBeUndefined();
    bill.notStarted(fargate, 1, 2_000);
    expect(charged[1]).toBe(timeUsd(rateOf(fargate), 2_000));
    bill.settle(0);
    expect(charged[1]).toBeCloseTo(timeUsd(rateOf(fargate), 2_000) + startUsd(fargate), 12);
  });
});

describe("the bill of what another driver began", () => {
  const bounds = { dispatchedAt: 1_000, deadline: 10 ** 9 };
  const from = { lab: "other", runId: "r", assignment: "1", task: 0, executor: undefined, ...bounds };

  test("goes from its journalled start: an invocation once, with its request", () => {
    const { bill, charged, inFlight } = account();
    for (const task of [0, 1]) inFlight.adopt(`${task}`, lambda, task, { ...from, task });
    const ended = (task: number, endedAt: number) =>
      bill.ended({ ...EXECUTED, inFlight: inFlight.end(`${task}`, task), run: 7, startedAt: 2_000, endedAt }, 9_999);
    const sum = ended(0, 3_000) + ended(1, 5_000);
    expect(sum).toBeCloseTo(timeUsd(rateOf(lambda), 4_000), 12);
    expect(charged[7]).toBeCloseTo(sum, 12);
  });

  test("is a container's time without its first minute, which its own driver has paid", () => {
    const { bill, charged, inFlight } = account();
    const usd = (ms: number) => timeUsd({ ...rateOf(fargate), perStart: 0, minimumSeconds: 0 }, ms);
    for (const task of [0, 1])
      inFlight.adopt(`${task}`, fargate, task, { ...from, assignment: `${task}`, executor: "c" });
    expect(bill.ended({ ...EXECUTED, inFlight: inFlight.end("0", 0), run: 7 }, 3_000)).toBeCloseTo(usd(2_000), 12);
    expect(bill.brokenOff({ inFlight: inFlight.take("1"), isFree: false }, 7, 9_000)).toBeCloseTo(usd(6_000), 12);
    expect(charged[7]).toBeCloseTo(usd(8_000), 12);
  });

  test("begins where its own driver's ends: it charges its containers up to the first attempt in flight", () => {
    const { bill, charged, inFlight } = account();
    bill.askedFor(fargate, 2, 1);
    for (const name of ["busy", "idle"]) bill.ready(name, fargate, 0, 5_000);
    inFlight.add("1", fargate, "busy", [0], 2 * MINUTE);
    bill.leave(1, (executor) => inFlight.firstOn(executor) ?? 3 * MINUTE);
    expect(charged[1]).toBeCloseTo(timeUsd(rateOf(fargate), 2 * MINUTE) + timeUsd(rateOf(fargate), 3 * MINUTE), 9);
  });
});

test("processes of this machine cost nothing", () => {
  const { bill, charged, inFlight } = account();
  bill.askedFor(local, 1, 1);
  bill.ready("p", local, 0, 10);
  inFlight.add("1", local, "p", [0], 10);
  expect(bill.ended({ ...EXECUTED, inFlight: inFlight.end("1", 0), run: 1 }, MINUTE)).toBe(0);
  expect([bill.gone("p", MINUTE), charged]).toEqual([0, {}]);
});
