import { type Check, wholeNumber } from "./checks.ts";
import { FaultPlanError } from "./fault-plan-error.ts";
import { FIELDS, LIMIT_FIELDS, REQUIRED } from "./fields.ts";
import type { FaultName, FaultPlan } from "./rules.ts";

/** Seeds are mixed in 32 bits. */
const SEED: Check = {
  expected: "a whole number from 0 to 4294967295",
  accepts: (value) => wholeNumber(0).accepts(value) && (value as number) <= 0xffff_ffff,
};

/**
 * The fault plan that some JSON or a caller gives.
 *
 * @throws FaultPlanError for the first thing in it that means nothing.
 */
export function checkFaultPlan(value: unknown): FaultPlan {
  const plan = requireObject(value, "a fault plan", 'such as {"seed": 7, "rules": [{"fault": "throttle"}]}');
  for (const name of Object.keys(plan)) {
    if (!["seed", "rules", "limits"].includes(name))
      throw unknownField("the fault plan", name, ["seed", "rules", "limits"]);
  }
  const { seed, rules = [], limits = {} } = plan;
  if (seed !== undefined) checkField("seed", SEED, seed);
  if (!Array.isArray(rules)) throw new FaultPlanError(`rules must be a list, got ${shown(rules)}`);
  const ids = new Set<string>();
  for (const [index, rule] of rules.entries()) {
    checkRule(rule, index + 1);
    const id = ruleId(rule, index);
    if (ids.has(id))
      throw new FaultPlanError(`rule ${index + 1}: another rule has the id ${shown(id)}: give each its own`);
    ids.add(id);
  }
  checkFields("limits", requireObject(limits, "limits", 'such as {"concurrentInvocations": 10}'), LIMIT_FIELDS);
  return plan as FaultPlan;
}

/** Name of a rule in counts and lists. */
export const ruleId = ({ id, fault }: { id?: string; fault: string }, index: number): string =>
  id ?? `${fault}-${index + 1}`;

function checkRule(value: unknown, number: number): void {
  const rule = requireObject(value, `rule ${number}`, 'such as {"fault": "throttle", "rate": 0.05}');
  const { fault, ...fields } = rule;
  const allowed = typeof fault === "string" ? FIELDS.get(fault) : undefined;
  if (!allowed) {
    const names = [...FIELDS.keys()].join(", ");
    throw new FaultPlanError(`rule ${number}: fault must be one of ${names}, got ${shown(fault)}`);
  }
  const who = `rule ${number} (${fault})`;
  checkFields(who, fields, allowed);
  const missing = REQUIRED[fault as FaultName]?.find((name) => fields[name] === undefined);
  if (missing) throw new FaultPlanError(`${who}: ${missing} is missing: it must be ${allowed[missing]!.expected}`);
}

function checkFields(who: string, fields: Record<string, unknown>, allowed: Readonly<Record<string, Check>>): void {
  for (const [name, value] of Object.entries(fields)) {
    const check = Object.hasOwn(allowed, name) ? allowed[name] : undefined;
    if (!check) throw unknownField(who, name, Object.keys(allowed));
    if (value !== undefined) checkField(`${who}: ${name}`, check, value);
  }
}

function checkField(what: string, check: Check, value: unknown): void {
  if (check.accepts(value)) return;
  const hint = check.hint?.(value);
  throw new FaultPlanError(`${what} must be ${check.expected}, got ${shown(value)}${hint ? `: ${hint}` : ""}`);
}

function requireObject(value: unknown, what: string, example: string): Record<string, unknown> {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new FaultPlanError(`${what} must be an object ${example}, got ${shown(value)}`);
}

function unknownField(who: string, name: string, allowed: readonly string[]): FaultPlanError {
  return new FaultPlanError(`${who} has no field ${shown(name)}; it may have ${allowed.join(", ")}`);
}

const shown = (value: unknown): string => (value === undefined ? "nothing" : JSON.stringify(value));
