import type { ActionCall } from "../action.ts";
import { ofTask, type ResourceInput } from "../task-resource.ts";
import type { Tag } from "../wire.ts";

interface TagResourceInput extends ResourceInput {
  readonly tags?: readonly Tag[];
}

/** Adds tags to an ECS task, replacing those of the same key. */
export function tagResource(call: ActionCall<TagResourceInput>): Promise<object> {
  return ofTask(call, (life) => {
    life.tag(call.input.tags ?? []);
    return {};
  });
}
