import { bootstrapAndDeploy } from "../localstack/deploy.ts";
import { startLocalAws } from "../localstack/local-aws.ts";
import { runStorm, type StormReport } from "../test/storm/storm.ts";
import type { Benchmark, Figure } from "./benchmark.ts";

/** What faults cost: the same 300 tasks in a storm and on a day without one, on the local AWS. */
export const storm: Benchmark = {
  name: "storm",
  workload:
    "300 tasks on Lambda and ECS: evictions, lack of memory, throttles, lost and doubled calls, killed executors",
  runs: 1,
  async run(): Promise<Figure[]> {
    const localAws = await startLocalAws({ lambdaConcurrency: 10 });
    try {
      const { ClusterName: cluster } = await bootstrapAndDeploy(localAws, {
        stackName: "Stratolab",
        context: { emulator: "true" },
      });
      Object.assign(process.env, localAws.env);
      const common = { seed: 7, owner: localAws.owner.split("/")[0], cluster };
      const calm = await runStorm({ ...common, faults: false });
      const stormy = await runStorm({ ...common, faults: true });
      for (const { outcomes, expected } of [calm, stormy]) {
        outcomes.forEach((outcome, position) => {
          if (outcome.kind !== "ok" || outcome.value !== expected[position].value) throw new Error("a result is wrong");
        });
      }
      const figure = (what: string, unit: string, of: (report: StormReport) => number, goal?: string): Figure => ({
        what,
        unit,
        value: of(stormy),
        against: { what: "without faults", value: of(calm) },
        ...(goal === undefined ? {} : { goal }),
      });
      return [
        figure("executions", "executions", executionsOf, "1.25 or less"),
        figure(
          "virtual dollars",
          "dollars per million tasks",
          ({ lambdaDollars, ecs }) => perMillion(lambdaDollars + ecs.dollars),
          "1.25 or less",
        ),
        figure("with Fargate's first minute in full", "dollars per million tasks", ({ lambdaDollars, ecs }) =>
          perMillion(lambdaDollars + ecs.dollarsByMinute),
        ),
        figure("time", "s", ({ seconds }) => seconds),
      ];
    } finally {
      await localAws.stop();
    }
  },
};

const perMillion = (dollars: number) => (dollars / 300) * 1e6;
const executionsOf = ({ executions }: StormReport) => [...executions.values()].reduce((sum, count) => sum + count, 0);
