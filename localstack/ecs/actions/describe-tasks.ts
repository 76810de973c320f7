import type { ActionCall } from "../action.ts";
import { invalidParameter } from "../ecs-error.ts";
import type { EcsFaults } from "../faults.ts";
import type { EcsTask, Failure } from "../wire.ts";

interface DescribeTasksInput {
  readonly cluster?: string;
  readonly tasks?: readonly string[];
  readonly include?: readonly string[];
}

const MAX_TASKS = 100;

/** Shows up to a hundred ECS tasks; those that are not there, or no longer, are MISSING. */
export async function describeTasks({ input, headers, state }: ActionCall<DescribeTasksInput>): Promise<object> {
  const { cluster: name, tasks: asked = [], include = [] } = input;
  if (asked.length === 0) throw invalidParameter("Tasks cannot be empty.");
  if (asked.length > MAX_TASKS) throw invalidParameter(`Tasks cannot have more than ${MAX_TASKS} items.`);
  const cluster = await state.upstream.cluster(headers, name);

  const tasks: EcsTask[] = [];
  const failures: Failure[] = [];
  for (const idOrArn of asked) {
    const life = state.store.find(idOrArn, cluster.clusterArn);
    const task = life && shown(life.task, include.includes("TAGS"), state.faults);
    if (task) tasks.push(task);
    else failures.push({ arn: arnOf(idOrArn, cluster.clusterArn), reason: "MISSING" });
  }
  return { tasks, failures };
}

function shown(task: EcsTask, withTags: boolean, { onDescribe }: EcsFaults): EcsTask | undefined {
  const tagged = withTags ? task : { ...task, tags: [] };
  return onDescribe ? onDescribe(tagged) : tagged;
}

const arnOf = (idOrArn: string, clusterArn: string): string =>
  idOrArn.startsWith("arn:") ? idOrArn : `${clusterArn.replace(":cluster/", ":task/")}/${idOrArn}`;
