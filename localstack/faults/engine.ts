import { randomInt } from "node:crypto";
import { checkFaultPlan } from "./check-plan.ts";
import { RuleBook, type RuleState } from "./rule-book.ts";
import type { FaultPlan, Limits } from "./rules.ts";

/** The faults of a local AWS as they are now. */
export interface FaultState {
  readonly seed: number;
  readonly rules: readonly RuleState[];
  readonly limits: Limits;
}

/** Holds the fault plan in use, which the proxy and the ECS stand-in ask. */
export class FaultEngine {
  #book: RuleBook;

  /** @throws FaultPlanError */
  constructor(plan: FaultPlan = {}) {
    this.#book = newBook(plan);
  }

  /** The plan in use. Another one begins with a book of its own, all counters at 0. */
  get book(): RuleBook {
    return this.#book;
  }

  get state(): FaultState {
    const { seed, rules, limits } = this.#book;
    return { seed, rules, limits };
  }

  /**
   * Replaces the whole plan.
   *
   * @throws FaultPlanError, and the plan in use stays.
   */
  set(plan: unknown): FaultState {
    this.#book = newBook(plan);
    return this.state;
  }
}

const newBook = (value: unknown): RuleBook => {
  const plan = checkFaultPlan(value);
  return new RuleBook(plan, plan.seed ?? randomInt(2 ** 31));
};
