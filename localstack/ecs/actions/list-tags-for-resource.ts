import type { ActionCall } from "../action.ts";
import { ofTask, type ResourceInput } from "../task-resource.ts";

/** Tags of an ECS task. */
export const listTagsForResource = (call: ActionCall<ResourceInput>): Promise<object> =>
  ofTask(call, (life) => ({ tags: life.task.tags }));
