import type { FanIn } from "../../sdk/wire/fan-in.ts";
import { type Execution, execute, type Surroundings } from "./execution.ts";
import { FanIns, toldOf } from "./fan-ins.ts";
import type { HandedOn, Messages, Order, OrderedAttempt, SimulatedFailure, SimulatedOutcome } from "./messages.ts";

interface Told {
  readonly task: number;
  readonly outcome: SimulatedOutcome;
  readonly goesOnWith?: readonly FanIn[];
}

/** One invocation of a function, and what its runner knows of it. */
interface Invocation {
  readonly order: Order;
  /** Its answer comes at the end, with all outcomes; otherwise each is told as it comes. */
  readonly isAwaited: boolean;
  readonly answer: Told[];
  /** Those of the order, and behind them what it goes on with. */
  readonly attempts: OrderedAttempt[];
  readonly fanIns: FanIns;
  readonly killed: Set<number>;
  readonly handed: HandedOn;
  execution: Execution | undefined;
  /** Nobody listens any more. */
  isForgotten: boolean;
}

/** Lambda and its runner: every order is an invocation of its own. */
export class Invocations {
  readonly #around: Surroundings;
  readonly #messages: Messages;
  readonly #life: number;
  readonly #open = new Map<number, Invocation[]>();
  /** Invocations running at this moment, of all drivers. */
  readonly #running: Set<Invocation>;

  constructor(around: Surroundings, messages: Messages, life: number, running: Set<Invocation>) {
    this.#around = around;
    this.#messages = messages;
    this.#life = life;
    this.#running = running;
  }

  invoke(order: Order): void {
    const { agenda, fate } = this.#around;
    const { assignment } = order;
    const about = `i${this.#life}.${assignment}`;
    this.#around.begun?.set(`life ${this.#life}/${assignment}`, {
      isAlive: () => (this.#open.get(assignment) ?? []).some((each) => this.#running.has(each)),
      end: (task) => this.kill({ assignment, tasks: [task], reason: "cancelled" }),
    });
    this.#tellLimit(about);
    this.#deliver(order, about, 100);
    // The SDK, or the network, sent it once more; either may be the one whose answer is heard.
    if (fate.strikes("second-delivery", about)) {
      agenda.in(fate.below(500, `again ${about}`), () => this.#deliver(order, `${about}'`, 1_000));
    }
  }

  #tellLimit(about: string): void {
    const { fate, scenario } = this.#around;
    if (!fate.strikes("quota-change", about)) return;
    const slots = 1 + fate.below(12, `slots ${about}`);
    if (scenario.offer.some(({ service }) => service === "lambda")) {
      this.#messages.send(about, { type: "limit", group: "lambda", slots });
    }
  }

  #deliver(order: Order, about: string, withinMs: number): void {
    const { agenda, fate, scenario } = this.#around;
    agenda.in(fate.below(withinMs, `arrives ${about}`), () => {
      const isFull = this.#running.size >= scenario.quota;
      if (isFull) fate.count("quota");
      if (isFull || fate.strikes("throttle", about)) {
        this.#fail(order, { kind: "throttled" }, about);
        return;
      }
      const isAwaited = fate.chance(0.6, `awaited ${about}`);
      const invocation: Invocation = {
        order,
        isAwaited,
        answer: [],
        attempts: [...order.attempts],
        fanIns: new FanIns(this.#around, order),
        killed: new Set(),
        handed: new Map(),
        execution: undefined,
        isForgotten: false,
      };
      this.#open.set(order.assignment, [...(this.#open.get(order.assignment) ?? []), invocation]);
      this.#running.add(invocation);
      if (fate.strikes("lost-answer", about)) {
        agenda.in(fate.below(3_000, `reset ${about}`), () => this.#loseAnswer(invocation, about));
      }
      this.#work(invocation, 0, about);
    });
  }

  /** The connection breaks; nobody hears of the invocation any more, though it goes on. */
  #loseAnswer(invocation: Invocation, about: string): void {
    if (invocation.isForgotten || !this.#running.has(invocation)) return;
    invocation.isForgotten = this.#around.fate.chance(0.7, `forgotten ${about}`);
    this.#failUnlessCommitted(invocation, { kind: "executor-lost" }, about);
  }

  #work(invocation: Invocation, position: number, about: string): void {
    const { order } = invocation;
    const attempt = invocation.attempts[position];
    if (!attempt) {
      this.#finish(invocation, about);
      return;
    }
    if (invocation.killed.has(attempt.task)) {
      this.#work(invocation, position + 1, about);
      return;
    }
    invocation.execution = execute(this.#around, order, attempt, invocation.handed, {
      asks: (children, answer) => this.#messages.ask(about, order.assignment, attempt.task, children, answer),
      isAwaited: () => this.#messages.isAwaited(order.assignment, attempt.task),
      ended: (outcome) => {
        const more = invocation.fanIns.after(attempt, outcome);
        invocation.attempts.push(...more);
        const told = { task: attempt.task, outcome, ...toldOf(order, attempt, more) };
        if (invocation.isAwaited) invocation.answer.push(told);
        else this.#tell(invocation, told, about);
        this.#work(invocation, position + 1, about);
      },
      died: (failure) => {
        this.#running.delete(invocation);
        // Nobody leaves a mark that a driver could read.
        const { kind, atServiceLimit } = failure;
        const unmarked = { kind, ...(atServiceLimit ? { atServiceLimit } : {}) };
        if (!invocation.isForgotten) this.#failUnlessCommitted(invocation, unmarked, about);
      },
    });
  }

  #finish(invocation: Invocation, about: string): void {
    this.#running.delete(invocation);
    for (const told of invocation.answer) this.#tell(invocation, told, about);
  }

  #tell(invocation: Invocation, told: Told, about: string): void {
    if (invocation.isForgotten) return;
    const { assignment } = invocation.order;
    this.#messages.send(`${about}/${told.task}`, { type: "outcome", assignment, ...told });
  }

  /** What was committed is done, whatever was heard of the invocation. */
  #failUnlessCommitted(invocation: Invocation, failure: SimulatedFailure, about: string): void {
    for (const { task, position, generation } of invocation.order.attempts) {
      const record = this.#around.storage.records.get(position);
      if (!record || record.generation < generation) continue;
      const outcome = { kind: "ok", value: record.value, durationMs: 1 } as const;
      this.#messages.send(`${about}/${task} found`, {
        type: "outcome",
        assignment: invocation.order.assignment,
        task,
        outcome,
      });
    }
    this.#fail(invocation.order, failure, about);
  }

  #fail({ assignment }: Order, failure: SimulatedFailure, about: string): void {
    this.#messages.send(`${about} ${this.#messages.nextName}`, { type: "assignment-failed", assignment, failure });
  }

  kill({ assignment, tasks, reason }: { assignment: number; tasks: readonly number[]; reason: string }): void {
    const { agenda, fate } = this.#around;
    const about = `i${this.#life}.${assignment}/${tasks.join()}`;
    if (fate.strikes("lost-kill", about)) return;
    agenda.in(fate.below(2_000, `grace ${about}`), () => {
      for (const invocation of this.#open.get(assignment) ?? []) {
        // What was taken back had not begun; if it has since, its result is as good as any.
        if (reason === "taken-back") for (const task of tasks) invocation.killed.add(task);
        else this.#end(invocation, tasks, about);
      }
    });
  }

  #end(invocation: Invocation, tasks: readonly number[], about: string): void {
    for (const task of tasks) invocation.killed.add(task);
    const { execution } = invocation;
    if (!this.#running.has(invocation) || !execution || !tasks.includes(execution.attempt.task)) return;
    execution.isOver = true;
    this.#around.executing.delete(execution);
    this.#running.delete(invocation);
    invocation.isForgotten = true;
    this.#fail(invocation.order, { kind: "cancelled" }, about);
  }
}

export type RunningInvocations = Set<Invocation>;
