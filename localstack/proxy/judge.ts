import { matches } from "../faults/glob.ts";
import type { ActiveRule, RuleBook } from "../faults/rule-book.ts";
import type { RequestRule } from "../faults/rules.ts";
import type { AwsRequest } from "./aws-request.ts";

/** What is to be done to a request. */
export interface Verdict {
  readonly delayMs: number;
  /** The first rule that hit it; one that only delays is not among them. */
  readonly rule?: RequestRule;
}

/**
 * Asks every rule about a request. Delays add up; of other faults the first that hits is committed,
 * and the rules after it only count the request.
 */
export function judge(book: RuleBook, request: AwsRequest): Verdict {
  let delayMs = 0;
  let rule: RequestRule | undefined;
  for (const active of book.requestRules) {
    if (!mayHit(active.rule, request)) continue;
    const isDelay = active.rule.fault === "latency";
    if (!active.hits(request.operation, !isDelay && rule !== undefined)) continue;
    if (active.rule.fault === "latency") delayMs += active.rule.delayMs + jitter(active, active.rule.jitterMs);
    else rule = active.rule;
  }
  return { delayMs, ...(rule && { rule }) };
}

const jitter = (active: ActiveRule, jitterMs = 0): number => jitterMs * active.chance();

function mayHit(rule: RequestRule, request: AwsRequest): boolean {
  // A function can only die where one is invoked.
  if (rule.fault === "function-error" && !isSynchronousInvocation(request)) return false;
  return (
    [rule.operation ?? "*"].flat().some((pattern) => matches(pattern, request.operation)) &&
    matches(rule.resource, request.resource) &&
    (rule.from === undefined || rule.from === request.from) &&
    (rule.invocationType === undefined || rule.invocationType === invocationType(request))
  );
}

/** How a function is invoked, if one is. */
export function invocationType({ operation, headers }: AwsRequest): string | undefined {
  if (operation !== "lambda:Invoke") return undefined;
  return String(headers["x-amz-invocation-type"] ?? "RequestResponse");
}

export const isSynchronousInvocation = (request: AwsRequest): boolean => invocationType(request) === "RequestResponse";
