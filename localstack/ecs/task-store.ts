import { idOf } from "./new-task.ts";
import type { TaskLife } from "./task-life.ts";

/** The ECS tasks that can be described: those that live, and for a while those that stopped. */
export class TaskStore {
  readonly #lives = new Map<string, TaskLife>();
  readonly #keptMs: number;

  constructor(keptMs: number) {
    this.#keptMs = keptMs;
  }

  add(life: TaskLife): void {
    this.#forgetOld();
    this.#lives.set(idOf(life.task.taskArn), life);
  }

  /** All ECS tasks, oldest first. */
  all(): readonly TaskLife[] {
    this.#forgetOld();
    return [...this.#lives.values()];
  }

  /** By id or ARN, of one cluster where it is given by name or ARN. */
  find(idOrArn: string, cluster?: string): TaskLife | undefined {
    const life = this.#lives.get(idOf(idOrArn));
    if (!life || (cluster !== undefined && idOf(life.task.clusterArn) !== idOf(cluster))) return undefined;
    // An id may be given bare, but an ARN has to be the right one.
    if (idOrArn.startsWith("arn:") && idOrArn !== life.task.taskArn) return undefined;
    return this.#isOld(life) ? undefined : life;
  }

  #isOld({ task }: TaskLife): boolean {
    return task.stoppedAt !== undefined && Date.now() - task.stoppedAt * 1000 > this.#keptMs;
  }

  #forgetOld(): void {
    for (const [id, life] of this.#lives) if (this.#isOld(life)) this.#lives.delete(id);
  }
}
