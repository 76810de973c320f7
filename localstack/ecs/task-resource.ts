import { type ActionCall, PassedOn } from "./action.ts";
import { invalidParameter } from "./ecs-error.ts";
import type { TaskLife } from "./task-life.ts";

/** An action's input that names a resource of any kind. */
export interface ResourceInput {
  readonly resourceArn?: string;
}

/** Does it to the ECS task that the input names; passes the call on for any other resource. */
export async function ofTask<Input extends ResourceInput>(
  { input, state, forward }: ActionCall<Input>,
  act: (life: TaskLife) => object,
): Promise<object> {
  const { resourceArn } = input;
  if (resourceArn === undefined) throw invalidParameter("resourceArn can not be blank.");
  const life = state.store.find(resourceArn);
  if (life) return act(life);
  if (!resourceArn.includes(":task/")) return new PassedOn(await forward());
  throw invalidParameter("The specified task was not found.");
}
