import { laneUsd } from "../../sdk/core/lane-cost.ts";
import { ECS_TASKS_PER_CALL } from "../../sdk/core/limits.ts";
import type { Lane } from "../../sdk/core/offer.ts";
import type { Pace } from "../../sdk/core/token-bucket.ts";
import type { Agenda } from "../../test/simulation/agenda.ts";

/** What the simulated ECS allows, and how long it takes. */
export interface EcsQuotas {
  /** ECS tasks launched, On-Demand and Spot apart. */
  readonly launches: Pace;
  /** From the call until the container takes work, in milliseconds. */
  readonly startMs: number;
}

/** ECS and Fargate as their quotas have it, on a virtual clock. */
export class EcsService {
  calls = 0;
  throttled = 0;
  dollars = 0;
  launched = 0;
  /** When the latest ECS task was launched. */
  lastLaunchAt = 0;
  readonly #agenda: Agenda;
  readonly #quotas: EcsQuotas;
  /** By kind of purchase: Spot and not. */
  readonly #buckets = new Map<boolean, { tokens: number; at: number }>();

  constructor(agenda: Agenda, quotas: EcsQuotas) {
    this.#agenda = agenda;
    this.#quotas = quotas;
  }

  /** A RunTask call has arrived; a refused one launches nothing. */
  runTask(lane: Lane, count: number, ready: () => void): boolean {
    if (count > ECS_TASKS_PER_CALL) throw new Error(`RunTask starts at most ${ECS_TASKS_PER_CALL}, got ${count}`);
    this.calls += 1;
    if (lane.service === "fargate" && !this.#mayLaunch(lane.spot, count)) {
      this.throttled += 1;
      return false;
    }
    this.launched += count;
    this.lastLaunchAt = this.#agenda.now;
    for (let index = 0; index < count; index++) this.#agenda.in(this.#quotas.startMs, ready);
    return true;
  }

  #mayLaunch(spot: boolean, count: number): boolean {
    const { burst, perSecond } = this.#quotas.launches;
    const { now } = this.#agenda;
    const bucket = this.#buckets.get(spot) ?? { tokens: burst, at: now };
    this.#buckets.set(spot, bucket);
    bucket.tokens = Math.min(burst, bucket.tokens + ((now - bucket.at) / 1_000) * perSecond);
    bucket.at = now;
    if (bucket.tokens < count) return false;
    bucket.tokens -= count;
    return true;
  }

  /** An ECS task has stopped after so long, image pull and start included. */
  stopped(lane: Lane, ms: number): void {
    this.dollars += laneUsd(lane, ms) ?? 0;
  }
}
