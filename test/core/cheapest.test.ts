import { describe, expect, test } from "vitest";
import type { Demand } from "../../sdk/core/demand.ts";
import type { Offer } from "../../sdk/core/offer.ts";
import { type Placement, route } from "../../sdk/core/route.ts";
import { slackOf } from "../../sdk/core/slack.ts";
import { AWS_OFFER, demand, FARGATE, LAMBDA_OFFER, MACHINE, names } from "./offers.ts";

const placed = (
  durationMs: number,
  { slackMs, asked = {}, offer = AWS_OFFER }: { slackMs?: number; asked?: Partial<Demand>; offer?: Offer } = {},
): Placement => route(demand(asked), offer, { durationMs, slackMs }) as Placement;
const firstOf = (...given: Parameters<typeof placed>) => placed(...given).ladder[0].name;

const LAMBDA = "lambda 1769 MB";
const SPOT = "fargate spot 1 vCPU 2048 MB";
const ON_DEMAND = "fargate 1 vCPU 2048 MB";

describe("with a recorded duration a task goes where it costs least", () => {
  test.each<[string, number, Parameters<typeof placed>[1], string]>([
    ["a short one to Lambda", 1_000, {}, LAMBDA],
    ["just below the break-even with Spot", 8_000, {}, LAMBDA],
    ["just above it", 10_000, {}, SPOT],
    ["above it, but not to be evicted", 10_000, { asked: { spot: false } }, LAMBDA],
    ["above the break-even with On-Demand", 40_000, { asked: { spot: false } }, ON_DEMAND],
    ["little memory and some minutes", 300_000, { asked: { memoryMb: 512 } }, "fargate spot 0.25 vCPU 512 MB"],
    ["Lambda on request, however long", 600_000, { asked: { executor: "lambda" } }, LAMBDA],
    ["what nothing else can do", 1_000, { asked: { memoryMb: 20_000 } }, "fargate spot 4 vCPU 20480 MB"],
    [
      "GPUs in the usual order: the price of Spot instances is not known",
      1_000,
      { asked: { numGpus: 1 } },
      "ec2 spot g4dn.xlarge 1 GPU",
    ],
    ["on this machine all costs the same", 1e7, { offer: [MACHINE] }, "local"],
    ["longer than Lambda allows, with some margin", 500_000, { offer: [LAMBDA_OFFER, FARGATE] }, ON_DEMAND],
  ])("%s", (_, durationMs, rest, lane) => {
    expect(firstOf(durationMs, rest)).toBe(lane);
  });

  test("and never back to a service that was passed over", () => {
    const { ladder, onDemandLadder } = placed(60_000);
    expect([...ladder, ...onDemandLadder].filter(({ service }) => service === "lambda")).toEqual([]);
    expect(names(ladder).slice(0, 2)).toEqual([SPOT, "fargate spot 1 vCPU 3072 MB"]);
    expect(onDemandLadder[0].name).toBe(ON_DEMAND);
  });

  test("and the reason says what it costs there and elsewhere, and where the break-even is", () => {
    expect(placed(60_000).reason).toMatch(/^\$0\.00027 for about 60 s, \$0\.00084 on fargate 1 vCPU 2048 MB$/);
    expect(placed(60_000, { asked: { spot: false } }).reason).toMatch(
      /^\$0\.00084 for about 60 s, \$0\.0017 on lambda 1769 MB \(break-even at 28\.\d s\)$/,
    );
    expect(placed(1_000).reason).toMatch(
      /^\$0\.000029 for about 1 s, \$0\.00026 on fargate spot .* \(break-even at 8\.\d+ s\)$/,
    );
  });
});

describe("the deadline", () => {
  test("rules out what begins too late, and Spot where there is no time for an eviction", () => {
    expect(firstOf(60_000, { slackMs: 200_000 })).toBe(SPOT);
    expect(firstOf(60_000, { slackMs: 150_000 })).toBe(ON_DEMAND);
    expect(firstOf(60_000, { slackMs: 100_000 })).toBe(LAMBDA);
    expect(placed(60_000, { slackMs: 100_000 }).reason).toContain("within the 100 s that the deadline leaves");
  });

  test("that nothing can keep leaves what is done soonest", () => {
    const { ladder, reason } = placed(60_000, { slackMs: 10_000 });
    expect([ladder[0].name, reason]).toEqual([
      LAMBDA,
      "the soonest to be done: the deadline leaves 10 s for about 60 s",
    ]);
  });

  test("is shared out along the longest path through each task", () => {
    // 0 -> 1 -> 3, 2 -> 3; 4 stands alone.
    const dependencies = [[], [0], [], [1, 2], []];
    expect(slackOf(dependencies, [10, 20, 5, 10, 0], 100)).toEqual([30, 40, 47.5, 30, 100]);
  });
});
