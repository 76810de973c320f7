import type { LabPlan } from "../planning.ts";
import { type ChronicleEvent, hasBit } from "../wire/chronicle.ts";
import type { ProgressListener } from "./progress-events.ts";

interface ReplayOptions {
  readonly runId: string;
  readonly plan: LabPlan;
  readonly progress: ProgressListener;
}

/** Tells what has happened in a run as if it happened here and now. */
export function replay(events: readonly ChronicleEvent[], { runId, plan, progress }: ReplayOptions): void {
  for (const event of events) replayOne(event, runId, plan, progress);
}

function replayOne(event: ChronicleEvent, runId: string, plan: LabPlan, tell: ProgressListener): void {
  const { at } = event;
  const usd = "last" in event ? event.last?.costUsd : undefined;
  if (usd && "task" in event) tell({ type: "cost", runId, at, usd, name: plan.tasks[event.task].name });
  switch (event.type) {
    case "driven": {
      const { runner, costUsd } = event;
      const before = costUsd === undefined ? {} : { costUsd };
      tell({ type: "run-started", runId, runner, at, types: typesOf(event, plan), ...before });
      break;
    }
    case "nested": {
      const types = countedTypes(event.positions, event, plan);
      if (types.length > 0) tell({ type: "tasks-added", runId, at, types });
      break;
    }
    case "suspended":
      tell({ type: "task-suspended", runId, at, name: plan.tasks[event.task].name });
      break;
    case "dispatched": {
      const [first] = event.tasks;
      if (event.beside) {
        const { attempts, lane, why = "" } = event;
        const { name, task } = plan.tasks[first];
        tell({ type: "second-attempt", runId, at, name, task: String(task), attempt: attempts[0], why, lane });
        break;
      }
      tell({ type: "task-started", runId, at, name: plan.tasks[first].name, count: event.tasks.length });
      break;
    }
    case "retried": {
      const { attempt, kind, seen } = event.last;
      const { why, delayMs, lane } = event;
      // Failures only are tried again.
      if (kind === "ok" || kind === "suspended") break;
      const of = { runId, at, name: plan.tasks[event.task].name, task: String(plan.tasks[event.task].task) };
      tell({ type: "task-retried", ...of, attempt, kind, seen, why, delayMs, lane });
      break;
    }
    case "done":
      tell({ type: "task-done", runId, at, name: plan.tasks[event.task].name });
      break;
    case "failed": {
      const { kind, message, ran } = event;
      const { name, task } = plan.tasks[event.task];
      tell({ type: "task-failed", runId, at, name, task: String(task), kind, message, ran });
      break;
    }
    case "reopened": {
      const { wasDone, failed } = event;
      const name = plan.tasks[event.task].name;
      tell({ type: "task-reopened", runId, at, name, wasDone, ...(failed === undefined ? {} : { failed }) });
      break;
    }
    case "log": {
      const { level, text } = event;
      const { name, task } = plan.tasks[event.task];
      tell({ type: "log", runId, at, name, task: String(task), level, text });
      break;
    }
    case "notice":
      tell({ type: "notice", at, text: event.text });
      break;
    case "ended":
      tell({ type: "run-ended", runId, at });
  }
}

/** Tasks by type; of those that tasks run is told where they are asked for. */
const typesOf = (event: ChronicleEvent & { type: "driven" }, plan: LabPlan) =>
  countedTypes([...plan.tasks.keys()], event, plan);

function countedTypes(
  positions: readonly number[],
  { wanted, cached }: { readonly wanted: Uint8Array; readonly cached: Uint8Array },
  plan: LabPlan,
) {
  const types = new Map<string, { name: string; total: number; cached: number }>();
  positions.forEach((task, position) => {
    if (!hasBit(wanted, position)) return;
    const { name } = plan.tasks[task];
    const type = types.get(name) ?? { name, total: 0, cached: 0 };
    type.total += 1;
    if (hasBit(cached, position)) type.cached += 1;
    types.set(name, type);
  });
  return [...types.values()];
}
