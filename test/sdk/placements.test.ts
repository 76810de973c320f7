import { expect, test } from "vitest";
import type { Placement } from "../../sdk/core/route.ts";
import { Placements } from "../../sdk/driver/placements.ts";
import type { PlannedTask } from "../../sdk/planning.ts";
import { AWS_OFFER, demand } from "../core/offers.ts";

const planned = (name: string) => ({ name, demand: demand() }) as PlannedTask;
const laneOf = (placement: ReturnType<Placements["of"]>) => (placement as Placement).ladder[0].name;

test("tasks go by what is recorded of their type, and by the time that is left to them", () => {
  const recorded: Record<string, number> = { long: 60_000 };
  const placements = new Placements(AWS_OFFER, (type) => recorded[type]);
  expect(laneOf(placements.of(planned("new")))).toBe("lambda 1769 MB");
  expect(laneOf(placements.of(planned("long")))).toBe("fargate spot 1 vCPU 2048 MB");
  expect(laneOf(placements.of(planned("long"), 90_000))).toBe("lambda 1769 MB");
  // What is learned meanwhile counts from the next look on.
  recorded.new = 60_000;
  expect(laneOf(placements.of(planned("new")))).toBe("fargate spot 1 vCPU 2048 MB");
  expect(placements.of(planned("new"))).toBe(placements.of(planned("long")));
});
