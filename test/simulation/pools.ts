import type { Lane } from "../../sdk/core/offer.ts";
import { type Execution, execute, type Surroundings } from "./execution.ts";
import { FanIns, toldOf } from "./fan-ins.ts";
import type { HandedOn, Messages, Order, OrderedAttempt, SimulatedFailure } from "./messages.ts";

interface PooledExecutor {
  readonly id: string;
  readonly lane: Lane;
  /** Orders it was given, the one it works on first. */
  readonly queue: Order[];
  position: number;
  /** What attempts of the order that it works on have handed on. */
  handed: HandedOn;
  /** What it goes on with behind the order that it works on. */
  more: OrderedAttempt[];
  fanIns: FanIns | undefined;
  execution: Execution | undefined;
  /** Tasks that were cancelled before they began. */
  readonly dropped: Set<string>;
  isAlive: boolean;
  idleSince: number;
}

const MOST_IDLE_MS = 120_000;

interface Killed {
  readonly assignment: number;
  readonly tasks: readonly number[];
}

/** Executors that are started, given work and kept: processes on this machine, and ECS tasks. */
export class Pools {
  readonly #around: Surroundings;
  readonly #messages: Messages;
  readonly #life: number;
  readonly #executors = new Map<string, PooledExecutor>();
  #started = 0;

  constructor(around: Surroundings, messages: Messages, life: number) {
    this.#around = around;
    this.#messages = messages;
    this.#life = life;
  }

  start(lane: Lane, count: number): void {
    for (let index = 0; index < count; index++) this.#startOne(lane);
  }

  #startOne(lane: Lane): void {
    const { agenda, fate } = this.#around;
    const id = `e${this.#life}.${this.#started++}`;
    const isThrottled = lane.service !== "local" && fate.strikes("throttle", id);
    const isEvicted = !isThrottled && lane.spot && fate.strikes("eviction", id);
    if (isThrottled || isEvicted || fate.strikes("start-failure", id)) {
      const kind = isThrottled ? "throttled" : isEvicted ? "spot-interruption" : "start-failed";
      agenda.in(fate.below(2_000, `refused ${id}`), () =>
        this.#messages.send(id, { type: "start-failed", lane, count: 1, kind }),
      );
      return;
    }
    agenda.in(fate.below(lane.service === "local" ? 50 : 40_000, `starts ${id}`), () => {
      const executor: PooledExecutor = {
        id,
        lane,
        queue: [],
        position: 0,
        handed: new Map(),
        more: [],
        fanIns: undefined,
        execution: undefined,
        dropped: new Set(),
        isAlive: true,
        idleSince: agenda.now,
      };
      this.#executors.set(id, executor);
      this.#messages.send(id, { type: "executor-ready", executor: id, lane });
      this.#leaveWhenIdle(executor);
    });
  }

  /** An idle container leaves by itself, whatever is on its way to it. */
  #leaveWhenIdle(executor: PooledExecutor): void {
    if (executor.lane.service === "local") return;
    const { agenda, fate } = this.#around;
    const since = agenda.now;
    executor.idleSince = since;
    agenda.in(10_000 + fate.below(MOST_IDLE_MS, `leaves ${executor.id} ${since}`), () => {
      if (executor.isAlive && executor.queue.length === 0 && executor.idleSince === since) this.stop(executor.id, true);
    });
  }

  stop(id: string, tells = false): void {
    const executor = this.#executors.get(id);
    if (!executor) return;
    executor.isAlive = false;
    this.#executors.delete(id);
    if (tells) this.#messages.send(id, { type: "executor-gone", executor: id, failure: undefined });
  }

  dispatch(order: Order): void {
    const { fate } = this.#around;
    const executor = this.#executors.get(order.executor as string);
    // It is gone, and its end is on the way to the driver.
    if (!executor) return;
    const about = `${executor.id} ${order.assignment}`;
    if (executor.lane.service !== "local" && fate.strikes("lost-letter", about)) {
      const kind = fate.chance(0.5, `refused ${about}`) ? "throttled" : "executor-lost";
      this.#messages.send(about, { type: "assignment-failed", assignment: order.assignment, failure: { kind } });
      if (fate.chance(0.5, `arrives ${about}`)) return;
    }
    const { assignment } = order;
    this.#around.begun?.set(`life ${this.#life}/${assignment}`, {
      isAlive: () => executor.isAlive && executor.queue.includes(order),
      end: (task) => this.kill({ assignment, executor: executor.id, tasks: [task] }),
    });
    executor.queue.push(order);
    if (executor.queue.length === 1) this.#next(executor);
  }

  #next(executor: PooledExecutor): void {
    if (!executor.isAlive) return;
    const [order] = executor.queue;
    if (!order) {
      this.#leaveWhenIdle(executor);
      return;
    }
    executor.fanIns ??= new FanIns(this.#around, order);
    const attempt = order.attempts[executor.position] ?? executor.more[executor.position - order.attempts.length];
    if (attempt) {
      executor.position += 1;
      if (executor.dropped.has(`${order.assignment}/${attempt.task}`)) this.#next(executor);
      else this.#execute(executor, order, attempt);
    } else {
      executor.queue.shift();
      executor.position = 0;
      executor.handed = new Map();
      executor.more = [];
      executor.fanIns = undefined;
      this.#next(executor);
    }
  }

  #execute(executor: PooledExecutor, order: Order, attempt: OrderedAttempt): void {
    const { fate } = this.#around;
    const about = `${executor.id} ${order.assignment}/${attempt.task}`;
    const isZombie = executor.lane.service !== "local" && fate.strikes("zombie", about);
    if (isZombie) {
      this.#messages.send(executor.id, {
        type: "executor-gone",
        executor: executor.id,
        failure: { kind: "executor-lost" },
      });
    }
    executor.execution = execute(this.#around, order, attempt, executor.handed, {
      asks: (children, answer) => this.#messages.ask(about, order.assignment, attempt.task, children, answer),
      isAwaited: () => executor.isAlive && this.#messages.isAwaited(order.assignment, attempt.task),
      ended: (outcome) => {
        executor.execution = undefined;
        if (executor.isAlive) {
          const { assignment } = order;
          const more = executor.fanIns?.after(attempt, outcome) ?? [];
          executor.more.push(...more);
          this.#messages.send(about, {
            type: "outcome",
            assignment,
            task: attempt.task,
            outcome,
            ...toldOf(order, attempt, more),
          });
        }
        this.#next(executor);
      },
      died: (failure) => this.#die(executor, failure),
    });
  }

  #die(executor: PooledExecutor, failure: SimulatedFailure | undefined): void {
    if (!executor.isAlive) return;
    const { agenda, fate } = this.#around;
    this.stop(executor.id);
    if (executor.execution) executor.execution.isOver = true;
    agenda.in(fate.below(1_000, `noticed ${executor.id}`), () =>
      this.#messages.send(executor.id, { type: "executor-gone", executor: executor.id, failure }),
    );
  }

  /** What runs is stopped with its executor, after some grace; what has not begun is dropped. */
  kill({ assignment, executor: id, tasks }: Killed & { executor: string }): void {
    const { agenda, fate } = this.#around;
    const executor = this.#executors.get(id);
    if (!executor) return;
    const about = `${id} ${assignment}/${tasks.join()}`;
    if (executor.lane.service !== "local" && fate.strikes("lost-kill", about)) return;
    for (const task of tasks) executor.dropped.add(`${assignment}/${task}`);
    const { execution } = executor;
    if (!execution || execution.order.assignment !== assignment || !tasks.includes(execution.attempt.task)) return;
    agenda.in(fate.below(2_000, `grace ${about}`), () => {
      if (executor.execution === execution && !execution.isOver) this.#die(executor, undefined);
    });
  }

  /** The driver is gone: processes here end with it, containers when they have nothing left to do. */
  orphan(): void {
    const { agenda, fate } = this.#around;
    for (const executor of [...this.#executors.values()]) {
      if (executor.lane.service !== "local") continue;
      agenda.in(fate.below(1_000, `orphan ${executor.id}`), () => this.#die(executor, undefined));
    }
  }
}
