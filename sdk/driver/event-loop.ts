import type { Command } from "../core/commands.ts";
import type { SchedulerEvent } from "../core/events.ts";
import type { Scheduler } from "../core/scheduler.ts";
import type { RunKeeper } from "./run-keeper.ts";

interface EventLoopOptions {
  readonly scheduler: Scheduler;
  readonly keeper: Pick<RunKeeper, "isInDoubt" | "certain">;
  carryOut(command: Command): void;
}

/** Events in, scheduler, commands out: gives the scheduler the time, and wakes it when it asks for that. */
export class EventLoop {
  readonly #options: EventLoopOptions;
  /** What waits until it is known that the runs are still this driver's. */
  #held: (() => void)[] = [];
  #events: SchedulerEvent[] = [];
  #flushing = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: EventLoopOptions) {
    this.#options = options;
  }

  /** Events of one moment are taken in together, as soon as whoever reports them is done. */
  push(event: SchedulerEvent): void {
    this.#events.push(event);
    if (this.#flushing) return;
    this.#flushing = true;
    queueMicrotask(() => this.flush());
  }

  /** Takes in what was pushed, now. */
  flush(): void {
    if (this.hold(() => this.flush())) return;
    this.#flushing = false;
    if (this.#events.length === 0) return;
    const events = this.#events;
    this.#events = [];
    this.step(events);
  }

  step(events: readonly SchedulerEvent[]): void {
    this.#carryOut(this.#options.scheduler.step(events, Date.now()));
  }

  /** Sets a run of the scheduler in motion. */
  open(run: number, tasks: readonly number[]): void {
    this.#carryOut(this.#options.scheduler.open(run, tasks, Date.now()));
  }

  /**
   * A driver that was paused past its lease takes nothing in before it knows that its runs are still its own.
   *
   * @returns Whether `act` is done later.
   */
  hold(act: () => void): boolean {
    const { keeper } = this.#options;
    const isHolding = this.#held.length > 0;
    if (!isHolding && !keeper.isInDoubt()) return false;
    this.#held.push(act);
    if (!isHolding) {
      void keeper.certain().then(() => {
        const held = this.#held;
        this.#held = [];
        for (const each of held) each();
      });
    }
    return true;
  }

  #carryOut(commands: readonly Command[]): void {
    for (const command of commands) this.#options.carryOut(command);
    this.#setTimer();
  }

  #setTimer(): void {
    clearTimeout(this.#timer);
    const at = this.#options.scheduler.wakeAt;
    if (at === undefined) return;
    this.#timer = setTimeout(() => this.push({ type: "tick" }), Math.max(0, at - Date.now()));
  }
}
