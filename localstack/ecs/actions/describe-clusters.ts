import { type ActionCall, PassedOn } from "../action.ts";
import type { Cluster, EcsTask } from "../wire.ts";

const PENDING: readonly string[] = ["PROVISIONING", "PENDING"];
const RUNNING: readonly string[] = ["RUNNING", "DEACTIVATING", "STOPPING"];

/** The emulator's clusters, with the stand-in's ECS tasks and capacity in them. */
export async function describeClusters({ forward, state }: ActionCall<object>): Promise<object> {
  const answer = await forward();
  if (answer.statusCode !== 200) return new PassedOn(answer);
  const output = JSON.parse(answer.body) as { clusters?: Cluster[] };
  const tasks = state.store.all().map(({ task }) => task);
  return { ...output, clusters: output.clusters?.map((cluster) => withTasks(cluster, tasks, state)) };
}

function withTasks(cluster: Cluster, tasks: readonly EcsTask[], state: ActionCall<object>["state"]): object {
  const own = tasks.filter(({ clusterArn }) => clusterArn === cluster.clusterArn);
  const count = (statuses: readonly string[]) => own.filter(({ lastStatus }) => statuses.includes(lastStatus)).length;
  return {
    ...cluster,
    pendingTasksCount: count(PENDING),
    runningTasksCount: count(RUNNING),
    registeredContainerInstancesCount: state.capacity.instances().length,
    capacityProviders: [...new Set([...(cluster.capacityProviders ?? []), ...state.ec2Providers])],
  };
}
