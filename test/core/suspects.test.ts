import { expect, test } from "vitest";
import type { Lane } from "../../sdk/core/offer.ts";
import { MACHINE, placementOf } from "./offers.ts";
import { only, Stage } from "./stage.ts";

const ONE = [{ ...MACHINE, slots: 1 }];
const [lane] = placementOf({}, ONE).ladder as [Lane];

test("a task that kills its executor without a mark is told from the one that waited behind it", () => {
  const stage = new Stage(ONE);
  const run = stage.run();
  stage.scheduler.learnDuration("task", 1);
  const [killer, innocent] = stage.tasks(run, 2);
  stage.open(run);
  expect(only(stage.ready("e1", lane), "dispatch")).toMatchObject([{ tasks: [killer] }, { tasks: [innocent] }]);
  expect(only(stage.gone("e1", { kind: "executor-lost" }), "retry")).toEqual([]);
  // From now on each has an executor to itself: the next death has one name.
  expect(only(stage.ready("e2", lane), "dispatch")).toMatchObject([{ tasks: [killer] }]);
  expect(only(stage.gone("e2", { kind: "executor-lost" }), "retry")).toMatchObject([{ task: killer }]);
});
