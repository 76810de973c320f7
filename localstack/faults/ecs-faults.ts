import type { CapacityChoice } from "../ecs/capacity-choice.ts";
import type { EcsFaults, StartFault, TaskControl } from "../ecs/faults.ts";
import type { LaunchPlan } from "../ecs/launch-plan.ts";
import type { EcsTask } from "../ecs/wire.ts";
import { CAPACITY_UNAVAILABLE, imagePullReason, SPOT_INTERRUPTION, shortageReason, startReason } from "./ecs-words.ts";
import type { FaultEngine } from "./engine.ts";
import { matches } from "./glob.ts";
import type { RuleBook } from "./rule-book.ts";
import type { EcsTaskRule } from "./rules.ts";

/** What rules ask about an ECS task. */
interface TaskFacts {
  readonly family: string;
  readonly capacityProvider: string | undefined;
  readonly cpu: number;
  readonly memoryMb: number;
  readonly gpus: number;
}

/** What was drawn for an ECS task, and from which plan. */
interface Fate {
  readonly rule: EcsTaskRule;
  readonly book: RuleBook;
}

/** When an ECS task's rules are asked: before it has a place, or once it has one. */
type Stage = "placing" | "launched";

const STAGES: Readonly<Record<EcsTaskRule["fault"], Stage>> = {
  "capacity-unavailable": "placing",
  "resources-exhausted": "placing",
  "spot-interruption": "launched",
  "out-of-memory": "launched",
  crash: "launched",
  stop: "launched",
  "start-failure": "launched",
  "image-pull-failure": "launched",
  "stopped-while-running": "launched",
  missing: "launched",
};

/**
 * The plan's faults as the stand-in asks for them. What becomes of an ECS task is drawn when RunTask
 * places it, in the order of the calls: how long its start takes changes nothing.
 */
export function ecsFaults(engine: FaultEngine): EcsFaults {
  const fates = new Map<string, Fate>();
  /** The rule that an ECS task fell under, while the plan that it belongs to is in use. */
  const ruleOf = ({ taskArn }: EcsTask): EcsTaskRule | undefined => {
    const fate = fates.get(taskArn);
    return fate?.book === engine.book ? fate.rule : undefined;
  };
  /** What DescribeTasks is to show from a time on, until another. */
  const lies = new Map<string, { readonly from: number; readonly until: number }>();
  return {
    onPlace: (plan, _input, capacity) => {
      const rule = findRule(engine, "placing", factsOfPlan(plan, capacity));
      if (rule?.fault === "capacity-unavailable") return CAPACITY_UNAVAILABLE;
      return rule?.fault === "resources-exhausted" ? shortageReason(rule.resource ?? "GPU") : undefined;
    },
    onLaunch: (task) => {
      const rule = findRule(engine, "launched", factsOfTask(task));
      if (rule) fates.set(task.taskArn, { rule, book: engine.book });
    },
    onStart: (task) => startFault(ruleOf(task), task),
    onRunning: (task, control) => {
      const rule = ruleOf(task);
      if (!rule) return;
      const { afterMs = 0, forMs = Number.POSITIVE_INFINITY } = rule as { afterMs?: number; forMs?: number };
      if (rule.fault === "stopped-while-running" || rule.fault === "missing") {
        lies.set(task.taskArn, { from: Date.now() + afterMs, until: Date.now() + afterMs + forMs });
      } else {
        setTimeout(() => ruleOf(task) && end(rule, control), afterMs).unref();
      }
    },
    onDescribe: (task) => {
      const rule = ruleOf(task);
      const lie = lies.get(task.taskArn);
      if (!rule || !lie || Date.now() < lie.from || Date.now() >= lie.until) return task;
      return rule.fault === "missing" ? undefined : shownAsStopped(task);
    },
  };
}

function findRule(engine: FaultEngine, stage: Stage, facts: TaskFacts): EcsTaskRule | undefined {
  let found: EcsTaskRule | undefined;
  for (const active of engine.book.ecsTaskRules) {
    if (STAGES[active.rule.fault] !== stage || !mayHit(active.rule, facts)) continue;
    if (active.hits("ecs-task", found !== undefined)) found = active.rule;
  }
  return found;
}

function mayHit(rule: EcsTaskRule, facts: TaskFacts): boolean {
  const { family, capacityProvider, cpu, memoryMb, gpus } = rule;
  // Only Spot capacity is interrupted, and only who asks for GPUs finds none.
  if (rule.fault === "spot-interruption" && capacityProvider === undefined && !isSpot(facts)) return false;
  const wantsGpus = rule.fault === "resources-exhausted" && (rule.resource ?? "GPU") === "GPU" && gpus === undefined;
  if (wantsGpus && facts.gpus === 0) return false;
  return (
    matches(family, facts.family) &&
    matches(capacityProvider, facts.capacityProvider) &&
    (cpu === undefined || cpu === facts.cpu) &&
    (memoryMb === undefined || memoryMb === facts.memoryMb) &&
    (gpus === undefined || gpus === facts.gpus)
  );
}

/** `FARGATE_SPOT`, and whatever else says so in its name. */
const isSpot = ({ capacityProvider }: TaskFacts): boolean => /spot/i.test(capacityProvider ?? "");

const factsOfPlan = ({ definition, cpu, memory, need }: LaunchPlan, { provider }: CapacityChoice): TaskFacts => ({
  family: definition.family,
  capacityProvider: provider,
  cpu,
  memoryMb: memory,
  gpus: need.gpus,
});

const factsOfTask = ({ taskDefinitionArn, capacityProviderName, cpu, memory, containers }: EcsTask): TaskFacts => ({
  family: taskDefinitionArn.slice(taskDefinitionArn.lastIndexOf("/") + 1).split(":")[0]!,
  capacityProvider: capacityProviderName,
  cpu: Number(cpu),
  memoryMb: Number(memory),
  gpus: containers.reduce((total, { gpuIds }) => total + (gpuIds?.length ?? 0), 0),
});

function startFault(rule: EcsTaskRule | undefined, { containers }: EcsTask): StartFault | undefined {
  if (rule?.fault === "start-failure") {
    const { error = "ResourceInitializationError", withoutContainers = true } = rule;
    return { stoppedReason: startReason(error), withoutContainers };
  }
  if (rule?.fault !== "image-pull-failure") return undefined;
  const { withoutContainers = false } = rule;
  return { stoppedReason: imagePullReason(containers[0]?.image ?? ""), withoutContainers };
}

function end(rule: EcsTaskRule, control: TaskControl): void {
  if (rule.fault === "spot-interruption") {
    control.stop(SPOT_INTERRUPTION.stopCode, SPOT_INTERRUPTION.stoppedReason, rule.noticeMs);
  } else if (rule.fault === "out-of-memory") control.killForMemory(rule.exitCode ?? 137);
  else if (rule.fault === "crash") control.kill();
  else if (rule.fault === "stop") control.stop(rule.stopCode, rule.reason);
}

/** As the agent does with a stale flag: out of memory, it says, while the container runs for hours. */
const shownAsStopped = (task: EcsTask): EcsTask => ({
  ...task,
  lastStatus: "STOPPED",
  desiredStatus: "STOPPED",
  stopCode: "EssentialContainerExited",
  stoppedReason: "Essential container in task exited",
  stoppedAt: task.stoppedAt ?? Date.now() / 1000,
  containers: task.containers.map((container) => ({
    ...container,
    lastStatus: "STOPPED",
    exitCode: 137,
    reason: "OutOfMemoryError: Container killed due to memory usage",
  })),
});
