import type { ActionCall } from "../action.ts";
import { invalidParameter } from "../ecs-error.ts";
import { idOf } from "../new-task.ts";
import type { EcsTask } from "../wire.ts";

interface ListTasksInput {
  readonly cluster?: string;
  readonly family?: string;
  readonly startedBy?: string;
  readonly serviceName?: string;
  readonly containerInstance?: string;
  readonly launchType?: string;
  readonly desiredStatus?: string;
  readonly maxResults?: number;
  readonly nextToken?: string;
}

const MAX_RESULTS = 100;

/** ARNs of the ECS tasks of a cluster that match all filters, a page at a time. */
export async function listTasks({ input, headers, state }: ActionCall<ListTasksInput>): Promise<object> {
  const { maxResults = MAX_RESULTS, nextToken = "0" } = input;
  const from = Number(nextToken);
  if (!Number.isInteger(from)) throw invalidParameter("Invalid token.");
  if (maxResults < 1 || maxResults > MAX_RESULTS) {
    throw invalidParameter(`maxResults must be between 1 and ${MAX_RESULTS}.`);
  }
  const cluster = await state.upstream.cluster(headers, input.cluster);
  const arns = state.store
    .all()
    .map(({ task }) => task)
    .filter((task) => task.clusterArn === cluster.clusterArn && matches(task, input))
    .map(({ taskArn }) => taskArn);
  const to = from + maxResults;
  return { taskArns: arns.slice(from, to), ...(to < arns.length && { nextToken: String(to) }) };
}

function matches(task: EcsTask, input: ListTasksInput): boolean {
  const { family, startedBy, serviceName, containerInstance, launchType, desiredStatus = "RUNNING" } = input;
  const instance = task.containerInstanceArn;
  return (
    task.desiredStatus === desiredStatus &&
    (family === undefined || idOf(task.taskDefinitionArn).split(":")[0] === family) &&
    (startedBy === undefined || task.startedBy === startedBy) &&
    (serviceName === undefined || task.group === `service:${serviceName}`) &&
    (launchType === undefined || task.launchType === launchType) &&
    (containerInstance === undefined || (instance !== undefined && idOf(instance) === idOf(containerInstance)))
  );
}
