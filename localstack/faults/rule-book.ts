import { ruleId } from "./check-plan.ts";
import { draw } from "./draw.ts";
import { isRequestFault } from "./fields.ts";
import type { EcsTaskRule, FaultPlan, FaultRule, Limits, RequestRule } from "./rules.ts";

/** A rule and what came of it. */
export interface RuleState {
  readonly id: string;
  readonly rule: FaultRule;
  /** Requests or ECS tasks that it could have hit. */
  readonly matched: number;
  readonly hits: number;
}

/** A rule in use. */
export class ActiveRule<Rule extends FaultRule = FaultRule> {
  readonly id: string;
  readonly rule: Rule;
  readonly #seed: number;
  readonly #seen = new Map<string, number>();
  readonly #nth: ReadonlySet<number> | undefined;
  #matched = 0;
  #hits = 0;

  constructor(rule: Rule, index: number, seed: number) {
    this.id = ruleId(rule, index);
    this.rule = rule;
    this.#seed = seed;
    this.#nth = rule.nth === undefined ? undefined : new Set([rule.nth].flat());
  }

  /**
   * Counts one more that matches and says whether it is hit. Each stream, such as the requests of
   * one operation, is counted by itself: what happens in one changes nothing in another. What another
   * rule has hit already is counted, but not hit twice (`taken`).
   */
  hits(stream: string, taken = false): boolean {
    this.#matched += 1;
    const n = (this.#seen.get(stream) ?? 0) + 1;
    this.#seen.set(stream, n);
    const { rate = 1, count = Number.POSITIVE_INFINITY } = this.rule;
    if (taken || (this.#nth && !this.#nth.has(n))) return false;
    if (this.#hits >= count || draw(this.#seed, `${this.id}/${stream}`, n) >= rate) return false;
    this.#hits += 1;
    return true;
  }

  /** A number from 0 to 1 for the last that was hit, such as how much jitter it gets. */
  chance(): number {
    return draw(this.#seed, `${this.id}/chance`, this.#hits);
  }

  get state(): RuleState {
    return { id: this.id, rule: this.rule, matched: this.#matched, hits: this.#hits };
  }
}

/** The fault plan in use: its rules, and how far each has come. */
export class RuleBook {
  readonly seed: number;
  readonly limits: Limits;
  readonly requestRules: readonly ActiveRule<RequestRule>[];
  readonly ecsTaskRules: readonly ActiveRule<EcsTaskRule>[];
  readonly #rules: readonly ActiveRule[];

  constructor(plan: FaultPlan, seed: number) {
    this.seed = seed;
    this.limits = plan.limits ?? {};
    this.#rules = (plan.rules ?? []).map((rule, index) => new ActiveRule(rule, index, seed));
    this.requestRules = this.#rules.filter(isRequestRule);
    this.ecsTaskRules = this.#rules.filter(isEcsTaskRule);
  }

  get rules(): readonly RuleState[] {
    return this.#rules.map(({ state }) => state);
  }
}

const isRequestRule = (active: ActiveRule): active is ActiveRule<RequestRule> => isRequestFault(active.rule.fault);
const isEcsTaskRule = (active: ActiveRule): active is ActiveRule<EcsTaskRule> => !isRequestFault(active.rule.fault);
