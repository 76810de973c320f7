import { RECORD_USD, requestsUsd } from "../core/attempt-cost.ts";
import type { RequestMeter } from "../stores/request-meter.ts";
import type { RequestCounts } from "../wire/requests.ts";

/**
 * Who bears what a driver itself asks of the stores: looking up, keeping records, reading what executors tell. The
 * runs that are there share it evenly; what a lab asks without any is on nobody's account.
 */
export class OwnRequests {
  readonly #meter: RequestMeter | undefined;
  readonly #asked: (requests: RequestCounts) => void;
  readonly #charge: (run: number, usd: number) => void;
  readonly #runs = new Set<number>();
  /** What was asked while no run was there, in dollars. */
  #unclaimedUsd = 0;

  /**
   * @param meter Of the driver's stores; undefined where requests are free.
   * @param asked Is told of all that was counted.
   */
  constructor(
    meter: RequestMeter | undefined,
    asked: (requests: RequestCounts) => void,
    charge: (run: number, usd: number) => void,
  ) {
    this.#meter = meter;
    this.#asked = asked;
    this.#charge = charge;
  }

  /** Charges what was asked since the last time. */
  settle(): void {
    const taken = this.#meter?.take();
    if (!taken) return;
    this.#asked(taken);
    const usd = requestsUsd(taken);
    if (this.#runs.size === 0) this.#unclaimedUsd += usd;
    else for (const run of this.#runs) this.#charge(run, usd / this.#runs.size);
  }

  /** A run is about to be looked up. @returns For `begin`: from here on it is on its account. */
  mark(): number {
    this.settle();
    return this.#unclaimedUsd;
  }

  /** A run has begun. @param mark From before anything was asked for it. */
  begin(run: number, mark: number): void {
    this.settle();
    const usd = Math.max(0, this.#unclaimedUsd - mark);
    this.#unclaimedUsd -= usd;
    if (usd > 0) this.#charge(run, usd);
    this.#runs.add(run);
  }

  /**
   * All that is asked for a run was asked, but for the last write of its record.
   *
   * @param isRecorded Whether that is still to come.
   */
  end(run: number, isRecorded: boolean): void {
    this.settle();
    if (!this.#runs.delete(run) || !isRecorded || !this.#meter) return;
    this.#charge(run, RECORD_USD);
  }
}
