import { attemptUsd } from "../core/attempt-cost.ts";
import type { Scheduler } from "../core/scheduler.ts";
import type { PlannedTask } from "../planning.ts";
import type { BilledSpan, RunnerEvent } from "../runners/runner.ts";
import type { RequestMeter } from "../stores/request-meter.ts";
import type { Outcome } from "../wire/outcome.ts";
import type { RequestCounts } from "../wire/requests.ts";
import { type Slot, slotBytes } from "../wire/slot.ts";
import { Bill, isFree } from "./bill.ts";
import type { InFlight } from "./in-flight.ts";
import { OwnRequests } from "./own-requests.ts";
import type { Placements } from "./placements.ts";
import type { TaskEntry } from "./task-entry.ts";

interface ChargesOptions {
  readonly scheduler: Scheduler;
  readonly placements: Placements;
  /** Of what the driver itself asks of the stores; undefined where that is free. */
  readonly requests: RequestMeter | undefined;
  /** So much was asked of the stores, by an attempt or by the driver itself. */
  asked(requests: RequestCounts, by?: { readonly assignment: number; readonly task: number }): void;
  /** A run of the scheduler has cost more, for tasks of this name where that is known. */
  charge(run: number, usd: number, name: string | undefined): void;
}

const NO_REQUESTS: RequestCounts = { reads: 0, writes: 0, puts: 0, gets: 0 };

/** Says of attempts and containers what the bill has to know of them. */
export class Charges {
  readonly #options: ChargesOptions;
  readonly bill: Bill;
  readonly own: OwnRequests;

  constructor(options: ChargesOptions) {
    this.#options = options;
    const charge = (run: number, usd: number, name: string | undefined) => {
      if (usd !== 0) options.charge(run, usd, name);
    };
    this.bill = new Bill(charge);
    this.own = new OwnRequests(
      options.requests,
      (requests) => options.asked(requests),
      (run, usd) => charge(run, usd, undefined),
    );
  }

  /** What an attempt of a task costs where it will go first, as far as its type is known, in dollars. */
  expectedUsd(planned: PlannedTask): number | undefined {
    const { scheduler, placements } = this.#options;
    const meanMs = scheduler.estimateMs(planned.name);
    const placement = placements.of(planned);
    if (meanMs === undefined || "infeasible" in placement) return undefined;
    return attemptUsd(placement.ladder[0], meanMs, planned.params.byteLength);
  }

  /** What an attempt has asked of the stores, to be told before its end. */
  asked(assignment: string, task: number, { requests = NO_REQUESTS }: Outcome): void {
    if (this.#options.requests) this.#options.asked(requests, { assignment: Number(assignment), task });
  }

  /** An attempt has ended. @returns What it cost, in dollars. */
  attempt(entry: TaskEntry, outcome: Outcome, inFlight: InFlight | undefined, billed: BilledSpan | undefined): number {
    const { usage, requests } = outcome;
    this.own.settle();
    if (inFlight && isFree(inFlight.lane) && !requests) return 0;
    const { name, params } = entry.planned;
    const traffic = (usage || requests) && {
      requests,
      paramBytes: entry.params ? 0 : params.byteLength,
      objectsLoaded: [entry.params, ...entry.dependencies.map(({ value }) => value)].filter(isObject).length,
      shared: inFlight?.size ?? 1,
      ...(outcome.kind === "ok"
        ? { resultBytes: slotBytes(outcome.value), resultIsObject: isObject(outcome.value) }
        : {}),
    };
    const { startedAt, endedAt } = usage ?? { startedAt: undefined, endedAt: undefined };
    const run = this.#options.scheduler.tasks.owner[entry.task];
    const ended = { inFlight, run, name, startedAt, endedAt, billed, traffic };
    return this.bill.ended(ended, Date.now());
  }

  /** An assignment broke off. @returns What it cost beside its outcomes, in dollars. */
  brokenOff(inFlight: InFlight | undefined, event: RunnerEvent & { type: "assignment-failed" }): number {
    const [task] = inFlight?.open ?? [];
    if (task === undefined) return 0;
    const isFree = event.failure.kind === "throttled" || event.failure.kind === "start-failed";
    const run = this.#options.scheduler.tasks.owner[task];
    return this.bill.brokenOff({ inFlight, isFree, billed: event.billed }, run, Date.now());
  }
}

const isObject = (slot: Slot | undefined) => slot !== undefined && "object" in slot;
