import { Meter, rateOf, type Traffic, timeUsd, trafficUsd } from "../core/attempt-cost.ts";
import type { Lane } from "../core/offer.ts";
import type { BilledSpan } from "../runners/runner.ts";
import type { InFlight } from "./in-flight.ts";

/** An executor whose time is charged whether it works or not. */
interface Container {
  /** What runs were charged with. */
  readonly charged: Meter;
  /** What attempts were charged with: the first one of a container bears its start, each the idle time before it. */
  readonly attributed: Meter;
  /** The run it was started for, then the one whose attempt it had last. */
  run: number;
}

/** An attempt that ended. */
export interface EndedAttempt {
  readonly inFlight: InFlight | undefined;
  readonly run: number;
  /** Task name. */
  readonly name: string;
  /** When it was executed, where that was measured; else from its dispatch until now. */
  readonly startedAt: number | undefined;
  readonly endedAt: number | undefined;
  /** Of the invocation around it, where that was measured. */
  readonly billed?: BilledSpan | undefined;
  /** What it moved; undefined where it did not come to that. */
  readonly traffic: Traffic | undefined;
}

/** An assignment, or an executor, that broke off with attempts that have no outcome. */
export interface BrokenOff {
  readonly inFlight: InFlight | undefined;
  /** It never ran, as far as that is known. */
  readonly isFree: boolean;
  readonly billed?: BilledSpan | undefined;
}

/** Who is charged: a run, and there the tasks of a name. */
type Charge = (run: number, usd: number, name: string | undefined) => void;

/**
 * What runs cost, as it happens. An invocation is charged to its attempts by their time in it. A container is
 * charged to the run from when it was started: its first minute as soon as it works, then up to the end
 * of each attempt, and its last idle time when it is gone. So the time of every container is charged once,
 * and all of it.
 */
export class Bill {
  readonly #charge: Charge;
  readonly #containers = new Map<string, Container>();
  /** Of attempts that another driver began, by where they run. */
  readonly #takenOver = new Map<string, Meter>();
  /** Runs that wait for a container, by pool, in the order they asked. */
  readonly #asked = new Map<string, { readonly lane: Lane; readonly runs: number[] }>();

  constructor(charge: Charge) {
    this.#charge = charge;
  }

  // --- Containers ---------------------------------------------------------------------------------

  askedFor(lane: Lane, count: number, run: number): void {
    if (rateOf(lane).perSecond === 0) return;
    const asked = this.#asked.get(lane.name) ?? { lane, runs: [] };
    for (let each = 0; each < count; each++) asked.runs.push(run);
    this.#asked.set(lane.name, asked);
  }

  /**
   * Containers will not come; `ranMs` of one that had begun to cost before it worked.
   *
   * @returns The run that each of them was asked for.
   */
  notStarted(lane: Lane, count: number, ranMs: number | undefined): readonly number[] {
    const runs = this.#asked.get(lane.name)?.runs.splice(0, count) ?? [];
    if (ranMs !== undefined && runs.length > 0) this.#charge(runs[0], timeUsd(rateOf(lane), ranMs), undefined);
    return runs;
  }

  ready(executor: string, lane: Lane, startedAt: number, now: number): void {
    const run = this.#asked.get(lane.name)?.runs.shift();
    if (run === undefined) return;
    const meter = () => new Meter(rateOf(lane), startedAt);
    const container = { charged: meter(), attributed: meter(), run };
    this.#containers.set(executor, container);
    this.#charge(run, container.charged.advance(now), undefined);
  }

  /** A container is gone. @returns What no attempt was charged with, in dollars, for the one to blame. */
  gone(executor: string, now: number): number {
    const container = this.#containers.get(executor);
    if (!container) return 0;
    this.#containers.delete(executor);
    this.#charge(container.run, container.charged.advance(now), undefined);
    return container.attributed.advance(now);
  }

  /**
   * A run is given away: its containers are charged up to where its next driver begins to pay for them.
   *
   * @param until For each executor: when the first attempt began that is taken over there, else now.
   */
  leave(run: number, until: (executor: string) => number): void {
    for (const [executor, container] of this.#containers) {
      if (container.run === run) this.#charge(run, container.charged.advance(until(executor)), undefined);
    }
  }

  /**
   * Charges all containers up to now, and those on their way with their minimum: nobody will hear of them
   * any more.
   */
  settle(now: number): void {
    for (const { lane, runs } of this.#asked.values()) {
      for (const run of runs.splice(0)) this.#charge(run, timeUsd(rateOf(lane), 0), undefined);
    }
    for (const { charged, run } of this.#containers.values()) this.#charge(run, charged.advance(now), undefined);
  }

  /** Whether a run may have to pay for a container yet. */
  mayCharge(run: number): boolean {
    for (const { runs } of this.#asked.values()) if (runs.includes(run)) return true;
    for (const container of this.#containers.values()) if (container.run === run) return true;
    return false;
  }

  // --- Attempts -----------------------------------------------------------------------------------

  /** An attempt ended. @returns What it cost, in dollars. */
  ended(attempt: EndedAttempt, now: number): number {
    const { inFlight, run, name, traffic } = attempt;
    // Whoever is no longer awaited was charged when it was given up.
    if (!inFlight) return 0;
    const movedUsd = traffic ? trafficUsd(inFlight.lane, traffic) : 0;
    if (isFree(inFlight.lane)) {
      if (movedUsd > 0) this.#charge(run, movedUsd, name);
      return movedUsd;
    }
    const container = this.#containers.get(inFlight.executor ?? "");
    if (container) {
      container.run = run;
      this.#charge(run, container.charged.advance(now) + movedUsd, name);
      return container.attributed.advance(now) + movedUsd;
    }
    const { startedAt = inFlight.dispatchedAt, endedAt = now, billed } = attempt;
    const usd = this.#meterOf(inFlight, billed?.from ?? startedAt).advance(billed?.until ?? endedAt) + movedUsd;
    this.#charge(run, usd, name);
    return usd;
  }

  /** An invocation broke off, or an assignment of a container. @returns What it cost beside its outcomes, in dollars. */
  brokenOff({ inFlight, isFree: ranNot, billed }: BrokenOff, run: number, now: number): number {
    if (!inFlight || isFree(inFlight.lane)) return 0;
    const container = this.#containers.get(inFlight.executor ?? "");
    if (container) {
      container.run = run;
      this.#charge(run, container.charged.advance(now), undefined);
      return container.attributed.advance(now);
    }
    if (ranNot || (inFlight.executor !== undefined && !inFlight.adoptedFrom)) return 0;
    const usd = this.#meterOf(inFlight, billed?.from ?? inFlight.dispatchedAt).advance(billed?.until ?? now);
    this.#charge(run, usd, undefined);
    return usd;
  }

  /** The meter of an invocation; of what another driver began, from its journalled start, one for each executor. */
  #meterOf(inFlight: InFlight, startedAt: number): Meter {
    const { adoptedFrom, lane } = inFlight;
    if (!adoptedFrom) {
      inFlight.invocation ??= new Meter(rateOf(lane), startedAt);
      return inFlight.invocation;
    }
    const { lab, executor, assignment, dispatchedAt } = adoptedFrom;
    const place = `${lab}/${executor ?? assignment}`;
    let meter = this.#takenOver.get(place);
    if (!meter) {
      // The start and the first minute of a container were on its own driver's bill.
      const rate = executor === undefined ? rateOf(lane) : { ...rateOf(lane), perStart: 0, minimumSeconds: 0 };
      meter = new Meter(rate, dispatchedAt);
      this.#takenOver.set(place, meter);
    }
    return meter;
  }
}

/** Nothing is charged for what runs there. */
export const isFree = ({ service }: Lane) => service === "local" || service === "custom";
