import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Demand } from "../../sdk/core/demand.ts";
import type { Lane, Offer } from "../../sdk/core/offer.ts";
import { capacityGroups, route } from "../../sdk/core/route.ts";
import {
  AWS_OFFER,
  demand,
  EC2_OFFER,
  FARGATE,
  FARGATE_SPOT,
  LAMBDA_OFFER,
  MACHINE,
  names,
  placementOf,
} from "./offers.ts";

const firstOf = (asked: Partial<Demand>, offer: Offer = AWS_OFFER) => placementOf(asked, offer).ladder[0];

describe("on AWS a task goes to the smallest size that fits", () => {
  test.each<[string, Partial<Demand>, string]>([
    ["1 vCPU, the default, is Lambda's 1,769 MB", {}, "lambda 1769 MB"],
    ["half a vCPU", { numCpus: 0.5 }, "lambda 1024 MB"],
    ["two vCPUs", { numCpus: 2 }, "lambda 3538 MB"],
    ["a little more than two vCPUs", { numCpus: 2.01 }, "lambda 5307 MB"],
    ["memory alone takes whatever CPU comes with it", { memoryMb: 128 }, "lambda 512 MB"],
    ["exactly the memory of a size", { memoryMb: 1_024 }, "lambda 1024 MB"],
    ["one MB more than a size", { memoryMb: 1_025 }, "lambda 1769 MB"],
    ["memory and CPU, where the CPU decides", { memoryMb: 600, numCpus: 2 }, "lambda 3538 MB"],
    ["memory and CPU, where the memory decides", { memoryMb: 5_000, numCpus: 1 }, "lambda 5307 MB"],
    ["Lambda's largest memory", { memoryMb: 10_240 }, "lambda 10240 MB"],
    ["more than Lambda's memory", { memoryMb: 10_241 }, "fargate spot 2 vCPU 11264 MB"],
    ["more than Lambda's memory, and not to be evicted", { memoryMb: 10_241, spot: false }, "fargate 2 vCPU 11264 MB"],
    ["more CPU than Lambda has", { numCpus: 6 }, "fargate spot 8 vCPU 16384 MB"],
    ["15 minutes", { timeoutMs: 900_000 }, "lambda 1769 MB"],
    ["more than 15 minutes", { timeoutMs: 900_001 }, "fargate spot 1 vCPU 2048 MB"],
    ["more disk than the functions have", { ephemeralStorageMb: 2_049 }, "fargate spot 1 vCPU 2048 MB"],
    [
      "more disk than Fargate gives for free",
      { ephemeralStorageMb: 50_000 },
      "fargate spot 1 vCPU 2048 MB 50000 MB disk",
    ],
    ["ECS on request", { executor: "ecs" }, "fargate spot 1 vCPU 2048 MB"],
    ["ECS on request, with little memory", { executor: "ecs", memoryMb: 128 }, "fargate spot 0.25 vCPU 512 MB"],
    ["Lambda on request", { executor: "lambda", numCpus: 2 }, "lambda 3538 MB"],
    ["a GPU", { numGpus: 1 }, "ec2 spot g4dn.xlarge 1 GPU"],
    ["a GPU that is not to be taken away", { numGpus: 1, spot: false }, "ec2 g4dn.xlarge 1 GPU"],
    ["two GPUs, a share of an instance", { numGpus: 2 }, "ec2 spot g5.12xlarge 2 GPU"],
    ["a GPU model", { numGpus: 1, gpuType: "a10g" }, "ec2 spot g5.12xlarge 1 GPU"],
    ["a GPU model in other letters", { numGpus: 1, gpuType: "A10G" }, "ec2 spot g5.12xlarge 1 GPU"],
    ["a GPU model without a number", { gpuType: "t4" }, "ec2 spot g4dn.xlarge 1 GPU"],
    ["a GPU with more memory than a share has", { numGpus: 1, memoryMb: 80_000 }, "ec2 spot g5.12xlarge 2 GPU"],
  ])("%s", (_, asked, lane) => {
    expect(firstOf(asked).name).toBe(lane);
  });

  test("and the order in which a stack lists its functions does not matter", () => {
    const shuffled = { ...LAMBDA_OFFER, memoriesMb: [10_240, 512, 3_538, 1_769] };
    expect(names(placementOf({ memoryMb: 600 }, [shuffled]).ladder)).toEqual([
      "lambda 1769 MB",
      "lambda 3538 MB",
      "lambda 10240 MB",
    ]);
  });

  test("the stack's own timeout binds, where it is shorter than Lambda's", () => {
    const offer: Offer = [{ ...LAMBDA_OFFER, timeoutMs: 60_000 }, FARGATE];
    expect(firstOf({ timeoutMs: 60_000 }, offer).service).toBe("lambda");
    expect(firstOf({ timeoutMs: 60_001 }, offer).service).toBe("fargate");
  });
});

describe("why a task goes where it goes is said in a clause", () => {
  test.each<[Partial<Demand>, string]>([
    [{}, "smallest Lambda size with 1 vCPU"],
    [{ memoryMb: 600 }, "smallest Lambda size with 600 MB"],
    [{ memoryMb: 600, numCpus: 2 }, "smallest Lambda size with 600 MB and 2 vCPU"],
    [{ executor: "ecs" }, 'executor is "ecs"'],
    [{ memoryMb: 20_000 }, "more than Lambda's 10240 MB"],
    [{ timeoutMs: 3_600_000 }, "longer than Lambda's 15 minutes"],
    [{ numCpus: 8 }, "more than a Lambda function has"],
    [{ numGpus: 1 }, "GPUs are on EC2 only"],
  ])("%o", (asked, reason) => {
    expect(placementOf(asked, AWS_OFFER).reason).toBe(reason);
  });

  test("on a machine it is the machine", () => {
    expect(placementOf({}, [MACHINE]).reason).toBe("this machine");
  });
});

describe("the ladder that a task may climb", () => {
  test("goes over Lambda's sizes, then over Fargate's, On-Demand only where Spot ends", () => {
    const { ladder } = placementOf({ memoryMb: 4_000 }, [LAMBDA_OFFER, FARGATE_SPOT, FARGATE]);
    expect(names(ladder).slice(0, 4)).toEqual([
      "lambda 5307 MB",
      "lambda 10240 MB",
      "fargate spot 2 vCPU 11264 MB",
      "fargate spot 2 vCPU 12288 MB",
    ]);
    expect(ladder.at(-1)?.memoryMb).toBe(244 * 1_024);
    expect(ladder.every((lane) => lane.service === "lambda" || lane.spot)).toBe(true);
  });

  test("without Spot is kept beside it, for after too many evictions", () => {
    const { onDemandLadder } = placementOf({ executor: "ecs", memoryMb: 4_000 }, AWS_OFFER);
    expect(names(onDemandLadder).slice(0, 2)).toEqual(["fargate 0.5 vCPU 4096 MB", "fargate 1 vCPU 5120 MB"]);
  });

  test("of a task that wants no Spot has none", () => {
    const { ladder, onDemandLadder } = placementOf({ executor: "ecs", spot: false }, AWS_OFFER);
    expect(ladder.some(({ spot }) => spot)).toBe(false);
    expect(ladder).toEqual(onDemandLadder);
  });

  test("without Spot is empty where there is nothing but Spot", () => {
    expect(placementOf({ executor: "ecs" }, [FARGATE_SPOT]).onDemandLadder).toEqual([]);
  });

  test("of a task that was sent to Lambda ends at Lambda's top", () => {
    expect(placementOf({ executor: "lambda", memoryMb: 5_000 }, AWS_OFFER).ladder.map(({ name }) => name)).toEqual([
      "lambda 5307 MB",
      "lambda 10240 MB",
    ]);
  });
});

describe("on a machine", () => {
  test("a task that asked for no memory has no limit, and one rung", () => {
    const { ladder, uses } = placementOf({}, [MACHINE]);
    expect(ladder).toEqual([
      { name: "local", service: "local", group: "local", cpus: 1, gpus: 0, spot: false, pool: "local" },
    ]);
    expect(uses).toEqual({ cpus: 1 });
  });

  test("each rung has twice the memory, up to all there is, all in one pool of processes", () => {
    const { ladder } = placementOf({ memoryMb: 3_000 }, [MACHINE]);
    expect(ladder.map(({ memoryMb }) => memoryMb)).toEqual([3_000, 6_000, 12_000, 16_000]);
    expect(new Set(ladder.map(({ pool }) => pool))).toEqual(new Set(["local"]));
  });

  test("a task that asks for all memory has one rung", () => {
    expect(placementOf({ memoryMb: 16_000 }, [MACHINE]).ladder.map(({ memoryMb }) => memoryMb)).toEqual([16_000]);
  });

  test("a task that asks for more CPUs than there are has them all", () => {
    const { ladder, uses } = placementOf({ numCpus: 64 }, [MACHINE]);
    expect([ladder[0].cpus, uses.cpus]).toEqual([4, 4]);
  });

  test("memory, GPUs and custom resources are used up by attempts", () => {
    expect(placementOf({ memoryMb: 3_000, numGpus: 1, resources: { licence: 2 } }, [MACHINE]).uses).toEqual({
      cpus: 1,
      memoryMb: 3_000,
      gpus: 1,
      licence: 2,
    });
  });

  test("where executors are not pooled, no lane names a pool", () => {
    expect(placementOf({}, [{ ...MACHINE, pooled: false }]).ladder[0]).not.toHaveProperty("pool");
  });
});

describe("what no executor can run", () => {
  test.each<[string, Partial<Demand>, Offer, string]>([
    [
      "too much memory names the largest there is",
      { memoryMb: 300_000 },
      [LAMBDA_OFFER, FARGATE],
      "no executor can run { memoryMb: 300000 }; the nearest is fargate 32 vCPU 249856 MB, which falls short: memoryMb 300000 > 249856",
    ],
    [
      "a GPU without GPUs names what lacks nothing else",
      { numGpus: 1 },
      [LAMBDA_OFFER],
      "no executor can run { numCpus: 1, numGpus: 1 }; the nearest is lambda 10240 MB, which falls short: Lambda has no GPU",
    ],
    [
      "an unknown GPU model",
      { numGpus: 1, gpuType: "h100" },
      [EC2_OFFER],
      'no executor can run { numCpus: 1, numGpus: 1, gpuType: "h100" }; the nearest is ec2 spot g5.12xlarge 4 GPU, which falls short: gpuType "h100" is not "a10g"',
    ],
    [
      "contradictory wishes name each lack",
      { executor: "lambda", timeoutMs: 1_000_000, memoryMb: 20_000 },
      [LAMBDA_OFFER, FARGATE],
      'no executor can run { memoryMb: 20000, timeoutMs: 1000000, executor: "lambda" }; the nearest is fargate 32 vCPU 249856 MB, which falls short: executor is "lambda"',
    ],
    [
      "Spot refused where there is nothing else",
      { spot: false, executor: "ecs" },
      [FARGATE_SPOT],
      'no executor can run { numCpus: 1, spot: false, executor: "ecs" }; the nearest is fargate spot 32 vCPU 249856 MB, which falls short: spot is false',
    ],
    [
      "a custom resource on AWS",
      { resources: { licence: 1 } },
      [LAMBDA_OFFER],
      'no executor can run { numCpus: 1, resources.licence: 1 }; the nearest is lambda 10240 MB, which falls short: resource "licence" is not offered',
    ],
    [
      "more of everything than a machine has",
      { memoryMb: 20_000, numGpus: 2, resources: { licence: 3, seat: 1 } },
      [MACHINE],
      'no executor can run { numGpus: 2, memoryMb: 20000, resources.licence: 3, resources.seat: 1 }; the nearest is local 20000 MB, which falls short: memoryMb 20000 > 16000; numGpus 2 > 1; resource "licence" 3 > 2; resource "seat" 1 > 0',
    ],
    ["anything, where nothing is offered", {}, [], "no executor can run { numCpus: 1 }: the runner offers none"],
  ])("%s", (_, asked, offer, message) => {
    const placement = route(demand(asked), offer);
    if (!("infeasible" in placement)) throw new Error(`goes to ${placement.ladder[0].name}`);
    const parts = (text: string) => new Set(text.split(/[{}]|, |; |: /).map((part) => part.trim()));
    // In which order the wishes are listed is nobody's business.
    expect(parts(placement.infeasible)).toEqual(parts(message));
    expect(placement.infeasible.split("falls short")[1]).toBe(message.split("falls short")[1]);
  });
});

describe("capacity groups", () => {
  test("Spot and On-Demand are counted apart, and Lambda's executors are not pooled", () => {
    expect(capacityGroups(AWS_OFFER)).toEqual([
      {
        name: "lambda",
        slots: 1_000,
        executors: 0,
        resources: {},
        environments: { burst: 1_000, perSecond: 100, copies: 1 },
      },
      ...["fargate spot", "fargate"].map((name) => ({
        name,
        slots: 100,
        executors: 100,
        resources: {},
        launches: { burst: 100, perSecond: 20, perCall: 10 },
      })),
      { name: "ec2 spot", slots: 8, executors: 8, resources: {} },
      { name: "ec2", slots: 8, executors: 8, resources: {} },
    ]);
  });

  test("an account that was given more is held to that", () => {
    const pace = { burst: 3_000, perSecond: 300 };
    const [lambda, spot] = capacityGroups([
      { ...LAMBDA_OFFER, copies: 2, newEnvironments: pace },
      { ...FARGATE_SPOT, launches: pace },
    ]);
    expect(lambda.environments).toEqual({ ...pace, copies: 2 });
    expect(spot.launches).toEqual({ ...pace, perCall: 10 });
  });

  test("a machine shares its CPUs, memory, GPUs and custom resources", () => {
    expect(capacityGroups([MACHINE])).toEqual([
      { name: "local", slots: 4, executors: 4, resources: { cpus: 4, memoryMb: 16_000, gpus: 1, licence: 2 } },
    ]);
  });

  test("more slots than cores are not held up by the cores", () => {
    const [group] = capacityGroups([{ ...MACHINE, slots: 10 }]);
    expect([group.slots, group.resources.cpus]).toEqual([10, 10]);
  });
});

describe("for every demand and offer", () => {
  const anyDemand: fc.Arbitrary<Demand> = fc
    .record(
      {
        numCpus: fc.constantFrom(0.1, 0.25, 1, 2, 4.5, 8, 16, 32, 40),
        numGpus: fc.constantFrom(0, 0, 0, 1, 2, 4, 8),
        gpuType: fc.constantFrom("t4", "a10g", "h100"),
        memoryMb: fc.integer({ min: 128, max: 260_000 }),
        timeoutMs: fc.constantFrom(1, 60_000, 900_000, 900_001, 86_400_000),
        ephemeralStorageMb: fc.constantFrom(1, 2_048, 10_000, 30_000, 300_000),
        spot: fc.boolean(),
        executor: fc.constantFrom("lambda" as const, "ecs" as const),
        resources: fc.constantFrom({}, {}, { licence: 1 }, { licence: 3 }),
      },
      { requiredKeys: [] },
    )
    .map((asked) => demand(asked));
  const anyOffer = fc.subarray([LAMBDA_OFFER, FARGATE_SPOT, FARGATE, EC2_OFFER, MACHINE] as const, { minLength: 1 });

  /** What a lane has to offer, written down once more from the rules. */
  function satisfies(lane: Lane, asked: Demand): boolean {
    const isMachine = lane.service === "local";
    if (asked.memoryMb !== undefined && (lane.memoryMb ?? 0) < asked.memoryMb) return false;
    if (!isMachine && (asked.numCpus ?? 0) > lane.cpus) return false;
    if (asked.numGpus > lane.gpus) return false;
    if (!isMachine && asked.gpuType !== undefined && lane.gpuType !== asked.gpuType) return false;
    if (lane.maxTimeoutMs !== undefined && (asked.timeoutMs ?? 0) > lane.maxTimeoutMs) return false;
    if (lane.ephemeralStorageMb !== undefined && (asked.ephemeralStorageMb ?? 0) > lane.ephemeralStorageMb)
      return false;
    if (lane.spot && !asked.spot) return false;
    if (!isMachine && asked.executor === "ecs" && lane.service === "lambda") return false;
    if (!isMachine && asked.executor === "lambda" && lane.service !== "lambda") return false;
    return isMachine || Object.keys(asked.resources).length === 0;
  }

  test("every lane of the ladders satisfies the demand", () => {
    fc.assert(
      fc.property(anyDemand, anyOffer, (asked, offer) => {
        const placement = route(asked, offer);
        if ("infeasible" in placement) return;
        for (const lane of [...placement.ladder, ...placement.onDemandLadder])
          expect(satisfies(lane, asked)).toBe(true);
        expect(placement.onDemandLadder.some(({ spot }) => spot)).toBe(false);
      }),
    );
  });

  test("each rung of a ladder has more memory than the one below", () => {
    fc.assert(
      fc.property(anyDemand, anyOffer, (asked, offer) => {
        const placement = route(asked, offer);
        if ("infeasible" in placement) return;
        expect(placement.ladder.length).toBeGreaterThan(0);
        for (const ladder of [placement.ladder, placement.onDemandLadder]) {
          for (let rung = 1; rung < ladder.length; rung++) {
            expect(ladder[rung].memoryMb ?? 0).toBeGreaterThan(ladder[rung - 1].memoryMb ?? 0);
          }
        }
      }),
    );
  });

  test("no smaller lane of the service where a task begins would do", () => {
    fc.assert(
      fc.property(anyDemand, (asked) => {
        const placement = route(asked, AWS_OFFER);
        if ("infeasible" in placement) return;
        const [first] = placement.ladder;
        // What each service has, each with everything else that comes with it.
        const all = [demand({ executor: "lambda", memoryMb: 128 }), demand({ executor: "ecs", memoryMb: 128 })]
          .flatMap((least) => placementOf(least, AWS_OFFER).ladder)
          .filter(({ service, spot }) => service === first.service && spot === first.spot);
        const smaller = all.filter((lane) => (lane.memoryMb ?? 0) < (first.memoryMb ?? 0));
        for (const lane of smaller) {
          expect(satisfies({ ...lane, ephemeralStorageMb: first.ephemeralStorageMb ?? 0 }, asked)).toBe(false);
        }
      }),
    );
  });

  test("Lambda is taken where it fits, and Spot before On-Demand", () => {
    fc.assert(
      fc.property(anyDemand, (asked) => {
        const placement = route(asked, AWS_OFFER);
        if ("infeasible" in placement) return;
        const onLambda = route(asked, [LAMBDA_OFFER]);
        expect(placement.ladder[0].service === "lambda").toBe(!("infeasible" in onLambda));
        if (placement.ladder[0].service !== "lambda" && asked.spot) expect(placement.ladder[0].spot).toBe(true);
      }),
    );
  });

  test("more offers never make a demand infeasible", () => {
    fc.assert(
      fc.property(anyDemand, anyOffer, (asked, offer) => {
        if ("infeasible" in route(asked, offer)) return;
        expect(route(asked, [...offer, ...AWS_OFFER])).not.toHaveProperty("infeasible");
      }),
    );
  });

  test("every lane belongs to a capacity group of the offer", () => {
    fc.assert(
      fc.property(anyDemand, anyOffer, (asked, offer) => {
        const placement = route(asked, offer);
        if ("infeasible" in placement) return;
        const groups = capacityGroups(offer).map(({ name }) => name);
        for (const { group } of [...placement.ladder, ...placement.onDemandLadder]) expect(groups).toContain(group);
      }),
    );
  });
});
