import { lambdaSecond, PRICES } from "../../sdk/core/prices.ts";
import type { Pace } from "../../sdk/core/token-bucket.ts";
import type { Agenda } from "../../test/simulation/agenda.ts";

/** What the simulated Lambda allows, and how long it takes. */
export interface LambdaQuotas {
  /** Invocations at once in the account. */
  readonly concurrency: number;
  /** New environments of each function. */
  readonly newEnvironments: Pace;
  /** A new environment's start, in milliseconds. */
  readonly coldMs: number;
}

interface SimulatedFunction {
  running: number;
  environments: number;
  tokens: number;
  at: number;
}

/** Lambda as its quotas have it, on a virtual clock: every call is let in or refused with a 429. */
export class LambdaService {
  calls = 0;
  throttled = 0;
  dollars = 0;
  readonly #agenda: Agenda;
  readonly #quotas: LambdaQuotas;
  readonly #functions = new Map<string, SimulatedFunction>();
  #running = 0;

  constructor(agenda: Agenda, quotas: LambdaQuotas) {
    this.#agenda = agenda;
    this.#quotas = quotas;
  }

  /** An Invoke call has arrived; `ms` is how long the handler takes. */
  invoke(name: string, memoryMb: number, ms: number, answer: (isThrottled: boolean) => void): void {
    const state = this.#functionOf(name);
    const isCold = state.running >= state.environments;
    this.calls += 1;
    if (this.#running >= this.#quotas.concurrency || (isCold && !this.#grow(state))) {
      this.throttled += 1;
      answer(true);
      return;
    }
    state.running += 1;
    this.#running += 1;
    // INIT is billed since August 2025.
    const billedMs = ms + (isCold ? this.#quotas.coldMs : 0);
    this.dollars += lambdaSecond(memoryMb) * (billedMs / 1_000) + PRICES.lambda.request;
    this.#agenda.in(billedMs, () => {
      state.running -= 1;
      this.#running -= 1;
      answer(false);
    });
  }

  #grow(state: SimulatedFunction): boolean {
    const { burst, perSecond } = this.#quotas.newEnvironments;
    state.tokens = Math.min(burst, state.tokens + ((this.#agenda.now - state.at) / 1_000) * perSecond);
    state.at = this.#agenda.now;
    if (state.tokens < 1) return false;
    state.tokens -= 1;
    state.environments += 1;
    return true;
  }

  #functionOf(name: string): SimulatedFunction {
    let state = this.#functions.get(name);
    if (!state) {
      state = { running: 0, environments: 0, tokens: this.#quotas.newEnvironments.burst, at: this.#agenda.now };
      this.#functions.set(name, state);
    }
    return state;
  }
}
