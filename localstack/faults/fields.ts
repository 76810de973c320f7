import {
  type Check,
  milliseconds,
  oneOf,
  operations,
  share,
  text,
  wholeNumber,
  wholeNumbers,
  yesOrNo,
} from "./checks.ts";
import {
  type EcsTaskRule,
  type FaultName,
  FUNCTION_DEATHS,
  INSTANCE_RESOURCES,
  LAMBDA_THROTTLE_REASONS,
  type RequestRule,
  START_ERRORS,
} from "./rules.ts";

type Fields = Readonly<Record<string, Check>>;

const HOW_OFTEN: Fields = { id: text, rate: share, nth: wholeNumbers, count: wholeNumber(1) };

const REQUEST_FILTER: Fields = {
  operation: operations,
  resource: text,
  from: oneOf(["driver", "executors"]),
  invocationType: oneOf(["RequestResponse", "Event"]),
};

const ECS_TASK_FILTER: Fields = {
  family: text,
  capacityProvider: text,
  cpu: wholeNumber(1),
  memoryMb: wholeNumber(1),
  gpus: wholeNumber(0),
};

const REQUEST_FAULTS: Readonly<Record<RequestRule["fault"], Fields>> = {
  latency: { delayMs: milliseconds, jitterMs: milliseconds },
  throttle: { reason: oneOf(LAMBDA_THROTTLE_REASONS), hidden: yesOrNo },
  "server-error": { status: oneOf([500, 503]) },
  "reset-before": {},
  "lost-answer": {},
  duplicate: { delayMs: milliseconds, answer: oneOf(["first", "second"]) },
  "function-error": { death: oneOf(FUNCTION_DEATHS), ran: yesOrNo },
};

const ECS_TASK_FAULTS: Readonly<Record<EcsTaskRule["fault"], Fields>> = {
  "spot-interruption": { afterMs: milliseconds, noticeMs: milliseconds },
  "out-of-memory": { afterMs: milliseconds, exitCode: oneOf([0, 137]) },
  crash: { afterMs: milliseconds },
  stop: { afterMs: milliseconds, stopCode: text, reason: text },
  "start-failure": { error: oneOf(START_ERRORS), withoutContainers: yesOrNo },
  "image-pull-failure": { withoutContainers: yesOrNo },
  "capacity-unavailable": {},
  "resources-exhausted": { resource: oneOf(INSTANCE_RESOURCES) },
  "stopped-while-running": { afterMs: milliseconds, forMs: milliseconds },
  missing: { afterMs: milliseconds, forMs: milliseconds },
};

/** Fields without which a fault means nothing. */
export const REQUIRED: Readonly<Partial<Record<FaultName, readonly string[]>>> = {
  latency: ["delayMs"],
  stop: ["stopCode", "reason"],
};

/** All faults by name, with the fields that a rule of each may have. */
export const FIELDS: ReadonlyMap<string, Fields> = new Map([
  ...Object.entries(REQUEST_FAULTS).map(([fault, own]): [string, Fields] => [
    fault,
    { ...HOW_OFTEN, ...REQUEST_FILTER, ...own },
  ]),
  ...Object.entries(ECS_TASK_FAULTS).map(([fault, own]): [string, Fields] => [
    fault,
    { ...HOW_OFTEN, ...ECS_TASK_FILTER, ...own },
  ]),
]);

export const LIMIT_FIELDS: Fields = { invokeBytes: wholeNumber(1), concurrentInvocations: wholeNumber(0) };

export const isRequestFault = (fault: FaultName): fault is RequestRule["fault"] => Object.hasOwn(REQUEST_FAULTS, fault);
