import type { ActionCall } from "../action.ts";
import { ofTask, type ResourceInput } from "../task-resource.ts";

interface UntagResourceInput extends ResourceInput {
  readonly tagKeys?: readonly string[];
}

/** Takes tags from an ECS task. */
export function untagResource(call: ActionCall<UntagResourceInput>): Promise<object> {
  return ofTask(call, (life) => {
    life.untag(call.input.tagKeys ?? []);
    return {};
  });
}
