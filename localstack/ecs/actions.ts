import type { Action } from "./action.ts";
import { describeClusters } from "./actions/describe-clusters.ts";
import { describeTasks } from "./actions/describe-tasks.ts";
import { listTagsForResource } from "./actions/list-tags-for-resource.ts";
import { listTasks } from "./actions/list-tasks.ts";
import { runTask } from "./actions/run-task.ts";
import { stopTask } from "./actions/stop-task.ts";
import { tagResource } from "./actions/tag-resource.ts";
import { untagResource } from "./actions/untag-resource.ts";

/** The actions that the stand-in carries out itself. Every other one is passed on. */
// biome-ignore lint/suspicious/noExplicitAny: each action reads its own input, which came as JSON.
const ACTIONS: Readonly<Record<string, Action<any>>> = {
  RunTask: runTask,
  DescribeTasks: describeTasks,
  StopTask: stopTask,
  ListTasks: listTasks,
  DescribeClusters: describeClusters,
  TagResource: tagResource,
  UntagResource: untagResource,
  ListTagsForResource: listTagsForResource,
};

export const findAction = (name: string): Action<object> | undefined =>
  Object.hasOwn(ACTIONS, name) ? ACTIONS[name] : undefined;
