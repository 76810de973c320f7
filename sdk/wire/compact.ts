import type { Assignment, AttemptSpec, GrantedResources } from "./attempt.ts";
import type { FromExecutor, ToExecutor } from "./channel.ts";
import type { Outcome, Success, Usage } from "./outcome.ts";

/*
 * The two messages that there is one of for each task, without the names of their fields: small tasks would
 * otherwise spend more time on those than on anything else. Whatever has more to say than usual travels as it is.
 */

/** A result that lies in its message: the rest is what its attempt used. */
type OutcomeRow = readonly [
  assignment: string,
  task: number,
  attempt: number,
  spoken: number,
  value: Uint8Array,
  usage: readonly number[],
];

/** What is different of attempts that have all else in common. */
type AttemptRow = readonly [task: number, attempt: number, key: string, params: Uint8Array, generation: number];

interface AlikeAttempts {
  readonly name: string;
  readonly version: string;
  readonly resources: GrantedResources;
  readonly rows: readonly AttemptRow[];
}

/** Fields of a success, and of an attempt, that a row has room for: those with others travel as they are. */
const SUCCESS_FIELDS = 3;
const ATTEMPT_FIELDS = 9;

function fieldsOf(value: object): number {
  let count = 0;
  for (const _ in value) count += 1;
  return count;
}

/** A message as it travels. */
export function compacted(message: ToExecutor | FromExecutor): unknown {
  if (message.type === "assign") {
    const alike = alikeIn(message.assignment.attempts);
    return alike ? { type: "assign", assignment: { ...message.assignment, attempts: alike } } : message;
  }
  if (message.type !== "outcome" || !isPlain(message.outcome)) return message;
  const { assignment, task, attempt, spoken = 0, outcome } = message;
  const { startedAt, endedAt, loadMs, runMs, storeMs, cpuMs, peakMemoryMb, bytesIn, bytesOut } = outcome.usage;
  const usage = [startedAt, endedAt, loadMs, runMs, storeMs, cpuMs, peakMemoryMb, bytesIn, bytesOut];
  return [assignment, task, attempt, spoken, outcome.value.inline, usage] satisfies OutcomeRow;
}

/** The message again. */
export function expanded(travelled: unknown): unknown {
  if (Array.isArray(travelled)) return outcomeOf(travelled as unknown as OutcomeRow);
  const { type, assignment } = travelled as { readonly type: string; readonly assignment?: unknown };
  if (type !== "assign") return travelled;
  const { attempts } = assignment as { readonly attempts: AlikeAttempts | readonly AttemptSpec[] };
  if (Array.isArray(attempts)) return travelled;
  return { type, assignment: { ...(assignment as Assignment), attempts: attemptsOf(attempts as AlikeAttempts) } };
}

type PlainSuccess = Success & { readonly value: { readonly inline: Uint8Array } };

const isPlain = (outcome: Outcome): outcome is PlainSuccess =>
  outcome.kind === "ok" && "inline" in outcome.value && fieldsOf(outcome) === SUCCESS_FIELDS;

function outcomeOf([assignment, task, attempt, spoken, inline, measured]: OutcomeRow): FromExecutor {
  const [startedAt, endedAt, loadMs, runMs, storeMs, cpuMs, peakMemoryMb, bytesIn, bytesOut] = measured;
  const usage: Usage = { startedAt, endedAt, loadMs, runMs, storeMs, cpuMs, peakMemoryMb, bytesIn, bytesOut };
  const outcome: Success = { kind: "ok", value: { inline }, usage };
  const message = { type: "outcome", assignment, task, attempt, outcome } as const;
  return spoken === 0 ? message : { ...message, spoken };
}

/** Undefined where one of the attempts is not like the others, or says something unusual. */
function alikeIn(attempts: readonly AttemptSpec[]): AlikeAttempts | undefined {
  const [first] = attempts;
  if (!first) return undefined;
  const { name, version, resources } = first;
  const rows: AttemptRow[] = [];
  for (const spec of attempts) {
    const { params } = spec;
    const isUsual = fieldsOf(spec) === ATTEMPT_FIELDS && "inline" in params && fieldsOf(spec.inputs) === 0;
    if (!isUsual || spec.name !== name || spec.version !== version || !areSame(spec.resources, resources))
      return undefined;
    rows.push([spec.task, spec.attempt, spec.key, params.inline, spec.generation]);
  }
  return { name, version, resources, rows };
}

const areSame = (one: GrantedResources, other: GrantedResources): boolean =>
  one === other ||
  (one.numCpus === other.numCpus &&
    one.numGpus === other.numGpus &&
    one.memoryMb === other.memoryMb &&
    one.timeoutMs === other.timeoutMs);

const attemptsOf = ({ name, version, resources, rows }: AlikeAttempts): AttemptSpec[] =>
  rows.map(([task, attempt, key, inline, generation]) => ({
    task,
    attempt,
    key,
    name,
    version,
    params: { inline },
    inputs: {},
    // Tasks see theirs in `ctx.resources`.
    resources: { ...resources },
    generation,
  }));
