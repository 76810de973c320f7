import { writeSync } from "node:fs";
import type { PlanReport } from "./plan-report.ts";
import type { StartedRun } from "./run.ts";
import { DriverEnv } from "./wire/protocol.ts";

/** A plan as `stratolab plan` is told of it: tasks by how they are written. */
export interface ToldPlan extends Omit<PlanReport, "infeasible"> {
  readonly infeasible: readonly { readonly task: string; readonly reason: string }[];
  /** Name of the run, where the script gives one. */
  readonly name?: string;
}

/** What a script in plan mode tells the command that has started it, a line of JSON each. */
export type PlanMessage =
  | { readonly type: "plan"; readonly plan: ToldPlan }
  /** Something is wrong with the tasks or the lab. */
  | { readonly type: "error"; readonly message: string }
  /** The script needs results to go on. */
  | { readonly type: "stopped" };

/** Whether this process only plans: every run tells what it would do, and runs nothing. */
export const isPlanning = (): boolean => Boolean(process.env[DriverEnv.plan]);

/** Written at once, since the process may end right after it. */
const tell = (message: PlanMessage) => writeSync(Number(process.env[DriverEnv.plan]), `${JSON.stringify(message)}\n`);

/** Makes a plan and tells it, or why there is none. */
export async function tellPlan(plan: Promise<PlanReport>, name: string | undefined): Promise<void> {
  try {
    const report = await plan;
    const infeasible = report.infeasible.map(({ task, reason }) => ({ task: String(task), reason }));
    tell({ type: "plan", plan: { ...report, infeasible, ...(name === undefined ? {} : { name }) } });
  } catch (error) {
    tell({ type: "error", message: (error as Error).message });
  }
}

/**
 * Stands for a run that is never started: as soon as somebody waits for anything of it, the script ends, since
 * there will be nothing to go on with.
 */
export function neverStarted(planned: Promise<void>): Promise<StartedRun> {
  const stop = async (): Promise<never> => {
    await planned;
    tell({ type: "stopped" });
    process.exit(0);
  };
  const whenWaitedFor: Pick<Promise<StartedRun>, "then" | "catch"> = {
    // biome-ignore lint/suspicious/noThenProperty: to know that it is waited for is the purpose.
    then: (onFulfilled, onRejected) => stop().then(onFulfilled, onRejected),
    // A run looks after its own failures from the start: that is not yet somebody who waits.
    catch: () => new Promise(() => {}),
  };
  return whenWaitedFor as Promise<StartedRun>;
}
