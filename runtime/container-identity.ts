import { hostname } from "node:os";

/** What ECS says of the container it runs. */
interface Identity {
  /** Last part of the ECS task's ARN: the executor's id, known to the driver from RunTask. */
  readonly id: string;
  readonly memoryMb: number | undefined;
}

/** Asks the task metadata endpoint, version 4, which every container on ECS has. */
export async function identify(): Promise<Identity> {
  const endpoint = process.env.ECS_CONTAINER_METADATA_URI_V4;
  if (!endpoint) return { id: hostname(), memoryMb: undefined };
  const response = await fetch(`${endpoint}/task`);
  if (!response.ok) throw new Error(`the task metadata endpoint answered ${response.status}`);
  const task = (await response.json()) as { TaskARN: string; Limits?: { Memory?: number } };
  return { id: task.TaskARN.split("/").at(-1) as string, memoryMb: task.Limits?.Memory };
}
