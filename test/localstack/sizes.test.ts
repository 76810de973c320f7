import { describe, expect, it } from "vitest";
import { CapacityBook } from "../../localstack/ecs/capacity.ts";
import { spreadOverProviders } from "../../localstack/ecs/capacity-strategy.ts";
import { parseCpu, parseMemory, requireFargateSize } from "../../localstack/ecs/fargate-sizes.ts";

describe("Fargate's sizes", () => {
  it.each([
    [256, 512],
    [256, 2048],
    [512, 1024],
    [1024, 8192],
    [2048, 16_384],
    [4096, 30_720],
    [8192, 61_440],
    [16_384, 122_880],
    [32_768, 249_856],
  ])("has %i CPU units with %i MiB", (cpu, memory) => {
    expect(() => requireFargateSize(cpu, memory)).not.toThrow();
  });

  it.each([
    [0, 0],
    [256, 1536],
    [256, 3072],
    [512, 512],
    [1024, 1024],
    [8192, 17_408],
    [16_384, 33_792],
    [1000, 2048],
  ])("lacks %i CPU units with %i MiB", (cpu, memory) => {
    expect(() => requireFargateSize(cpu, memory)).toThrow(
      `No Fargate configuration exists for given values: ${cpu} CPU, ${memory} memory`,
    );
  });

  it("are read as ECS reads them", () => {
    expect([parseCpu("1024"), parseCpu("1 vCPU"), parseCpu(".5 vcpu"), parseCpu(undefined)]).toEqual([
      1024,
      1024,
      512,
      undefined,
    ]);
    expect([parseMemory("2048"), parseMemory("2 GB"), parseMemory("0.5GB")]).toEqual([2048, 2048, 512]);
    expect(() => parseCpu("one")).toThrow("Invalid 'cpu' setting");
  });
});

describe("a capacity provider strategy", () => {
  it.each([
    ["a single provider without weight", [{ capacityProvider: "a" }], "aaa"],
    ["equal weights", [item("a", 1), item("b", 1)], "aba"],
    ["unequal weights", [item("a", 1), item("b", 3)], "bba"],
    ["a base", [item("a", 0, 1), item("b", 1)], "abb"],
    ["no weight at all", [item("a", 0), item("b", 0)], ""],
  ])("gives by %s", (_, strategy, expected) => {
    expect(spreadOverProviders(strategy, 3).join("")).toBe(expected);
  });
});

describe("the capacity book", () => {
  const instance = { type: "g4dn.xlarge", vcpus: 4, memoryMb: 16_000, gpus: 1 };
  const need = { cpu: 1024, memoryMb: 4000, gpus: 1 };

  it("says what is short, and takes back", () => {
    const book = new CapacityBook([{ name: "gpu", instances: [instance] }]);
    expect(book.place("one", need)).toMatchObject({ provider: "gpu", gpuIds: [expect.any(String)] });
    expect(book.place("two", need)).toBe("RESOURCE:GPU");
    expect(book.place("two", { ...need, gpus: 0, memoryMb: 13_000 })).toBe("RESOURCE:MEMORY");
    expect(book.place("two", { ...need, gpus: 0, cpu: 4096 })).toBe("RESOURCE:CPU");
    book.release("one");
    book.release("one");
    expect(book.place("two", { cpu: 4096, memoryMb: 16_000, gpus: 1 })).toMatchObject({ provider: "gpu" });
  });

  it("keeps to the provider asked for", () => {
    const book = new CapacityBook([
      { name: "small", instances: [{ type: "m7i.large", vcpus: 2, memoryMb: 8000 }] },
      { name: "gpu", instances: [{ ...instance, count: 2 }] },
    ]);
    expect(book.instances()).toHaveLength(3);
    expect(book.place("one", need, "small")).toBe("RESOURCE:GPU");
    expect(book.place("one", need)).toMatchObject({ provider: "gpu" });
    expect(book.place("two", need, "gpu")).toMatchObject({ provider: "gpu" });
  });
});

function item(capacityProvider: string, weight: number, base = 0) {
  return { capacityProvider, weight, base };
}
