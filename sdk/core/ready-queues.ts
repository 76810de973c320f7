import { IntQueue } from "./int-queue.ts";
import type { Lane } from "./offer.ts";

/** Ready tasks of one shape that go to one lane. They need the same, so the queue moves as a whole. */
export interface ReadyQueue {
  readonly lane: Lane;
  readonly shape: number;
  readonly uses: Readonly<Record<string, number>>;
  readonly tasks: IntQueue;
}

/** Ready tasks by lane and shape. Lanes take turns, so that a long queue does not starve a short one. */
export class ReadyQueues {
  /** The few queues of each shape, one a lane. */
  readonly #queues: ReadyQueue[][] = [];
  #turn: ReadyQueue[] = [];

  push(task: number, lane: Lane, shape: number, uses: Readonly<Record<string, number>>): void {
    this.#queues[shape] ??= [];
    const ofShape = this.#queues[shape];
    let queue = ofShape.find((each) => each.lane.name === lane.name);
    if (!queue) {
      queue = { lane, shape, uses, tasks: new IntQueue() };
      ofShape.push(queue);
    }
    if (queue.tasks.size === 0 && !this.#turn.includes(queue)) this.#turn.push(queue);
    queue.tasks.push(task);
  }

  /** Queues that hold tasks, in the order of their turn. */
  active(): readonly ReadyQueue[] {
    if (this.#turn.some((queue) => queue.tasks.size === 0)) {
      this.#turn = this.#turn.filter((queue) => queue.tasks.size > 0);
    }
    return this.#turn;
  }

  /** Lets the queue that was served wait for its next turn. */
  rotate(queue: ReadyQueue): void {
    const at = this.#turn.indexOf(queue);
    if (at < 0) return;
    this.#turn.splice(at, 1);
    this.#turn.push(queue);
  }
}
