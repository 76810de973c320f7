import type { ActionCall } from "../action.ts";
import { invalidParameter } from "../ecs-error.ts";

interface StopTaskInput {
  readonly cluster?: string;
  readonly task?: string;
  readonly reason?: string;
}

/** Ends an ECS task: SIGTERM, and SIGKILL after its stop timeout. */
export async function stopTask({ input, headers, state }: ActionCall<StopTaskInput>): Promise<object> {
  const { cluster: name, task: idOrArn, reason = "Task stopped by user" } = input;
  const cluster = await state.upstream.cluster(headers, name);
  const life = idOrArn === undefined ? undefined : state.store.find(idOrArn, cluster.clusterArn);
  if (!life) throw invalidParameter("The referenced task was not found.");
  life.stop("UserInitiated", reason);
  return { task: life.task };
}
