import type { ActionCall } from "../action.ts";
import { type CapacityChoice, chooseCapacity } from "../capacity-choice.ts";
import type { RunTaskOutput } from "../client-tokens.ts";
import { clientError, invalidParameter } from "../ecs-error.ts";
import { type LaunchPlan, planLaunch } from "../launch-plan.ts";
import { newTask, newTaskId } from "../new-task.ts";
import type { Cluster, EcsTask, Failure, RunTaskInput, Tag } from "../wire.ts";

const MAX_COUNT = 10;

/** Starts up to ten ECS tasks; those without a place are in `failures`, and the call succeeds. */
export async function runTask(call: ActionCall<RunTaskInput>): Promise<RunTaskOutput> {
  const { clientTokens, store } = call.state;
  const { tasks, failures } = await clientTokens.once(call.input, () => start(call));
  // A repeated call shows the ECS tasks as they are by now.
  return { tasks: tasks.map((task) => store.find(task.taskArn)?.task ?? task), failures };
}

async function start({ input, headers, state }: ActionCall<RunTaskInput>): Promise<RunTaskOutput> {
  const { taskDefinition, count = 1 } = input;
  if (!taskDefinition) throw clientError("TaskDefinition can not be blank.");
  if (!Number.isInteger(count) || count < 1 || count > MAX_COUNT) {
    throw invalidParameter(`count must be between 1 and ${MAX_COUNT}.`);
  }
  const [cluster, { definition, tags }] = await Promise.all([
    state.upstream.cluster(headers, input.cluster),
    state.upstream.taskDefinition(headers, taskDefinition),
  ]);
  const choices = chooseCapacity(input, cluster, state.ec2Providers, count);
  const launches = choices.map((choice) => ({ choice, plan: planLaunch(input, definition, choice.launchType) }));
  if (choices.some(({ launchType }) => launchType === "EC2") && state.capacity.instances().length === 0) {
    throw invalidParameter("No Container Instances were found in your cluster.");
  }

  const allTags = [...(input.propagateTags === "TASK_DEFINITION" ? tags : []), ...(input.tags ?? [])];
  const tasks: EcsTask[] = [];
  const failures: Failure[] = [];
  for (const { choice, plan } of launches) {
    const launched = launchOne(plan, choice, cluster, allTags, input, state);
    if ("reason" in launched) failures.push(launched);
    else tasks.push(launched);
  }
  return { tasks, failures };
}

function launchOne(
  plan: LaunchPlan,
  capacity: CapacityChoice,
  cluster: Cluster,
  tags: readonly Tag[],
  input: RunTaskInput,
  state: ActionCall<RunTaskInput>["state"],
): EcsTask | Failure {
  const fault = state.faults.onPlace?.(plan, input, capacity);
  if (fault !== undefined) return { reason: fault };
  const id = newTaskId();
  const placement = capacity.launchType === "EC2" ? state.capacity.place(id, plan.need, capacity.provider) : undefined;
  if (typeof placement === "string") {
    const [instance] = state.capacity.instances(capacity.provider);
    const arnBase = cluster.clusterArn.split(":").slice(0, 5).join(":");
    return { arn: `${arnBase}:container-instance/${cluster.clusterName}/${instance}`, reason: placement };
  }
  const at = Date.now() / 1000;
  const task = newTask({ id, plan, cluster, capacity, placement, input, tags, at });
  return state.launch(task, plan).task;
}
