import { LabOptionError } from "./errors.ts";
import { checkNames, show } from "./options.ts";
import { isRunId } from "./wire/run-id.ts";

/** How tasks are run. */
export interface RunOptions {
  /** Names the run for `lab.runs` and the CLI; several runs may have the same name. Default none. */
  readonly name?: string;
  /** Up to ten words to find the run by. Default none. */
  readonly tags?: readonly string[];
  /**
   * Id of an earlier run, to go on with it under its name: after a driver that died, or for more tasks. What has
   * a result is not run again. Refused while another process drives it. Default a new run.
   */
  readonly runId?: string;
  /** Compute every task anew, and replace what is stored. Default false. */
  readonly bustCache?: boolean;
  /** Stop at the first task that fails for good. Default false: finish whatever can finish. */
  readonly failFast?: boolean;
  /**
   * How long the run is to take at most, in milliseconds: tasks whose durations are recorded then go where they
   * are done in time, though that may cost more. Nothing is stopped when it is over. Default none: wherever it
   * costs least.
   */
  readonly deadlineMs?: number;
  /**
   * The most that the run may cost, in dollars; more than 0. Before anything is begun, the most that it is expected to
   * cost is reserved: by what its type was measured to take and twice the deviation, else by `timeoutMs`, else by 15
   * minutes on Lambda and an hour on ECS, where a container's first minute is added. When that no longer fits,
   * what runs may finish, and the run ends with a RunError of kind `cost-limit`. All that finished is kept: the
   * same run with a larger bound goes on from there. Only what takes longer than was reserved can exceed the bound.
   * It holds for whoever goes on with the run, too. Default no bound. Local runs cost nothing.
   */
  readonly maxCostUsd?: number;
  /** Cancels the run when it aborts. */
  readonly signal?: AbortSignal;
}

const NAMES = ["bustCache", "deadlineMs", "failFast", "maxCostUsd", "name", "runId", "signal", "tags"];
const WORD = /^[\w.:/=-]{1,64}$/;
const WORD_IN_WORDS = '1 to 64 letters, digits, "_", ".", ":", "/", "=" or "-"';
const MAX_TAGS = 10;

/** Refuses options of a run that mean nothing. */
export function checkRunOptions(options: RunOptions): void {
  checkNames("runTasks", options, NAMES);
  const { deadlineMs, maxCostUsd, name, runId, tags } = options;
  checkDeadline("runTasks", deadlineMs);
  if (maxCostUsd !== undefined && !(Number.isFinite(maxCostUsd) && maxCostUsd > 0)) {
    throw new LabOptionError(`runTasks: maxCostUsd must be a number of dollars above 0, got ${show(maxCostUsd)}`);
  }
  if (runId !== undefined && !(typeof runId === "string" && isRunId(runId))) {
    throw new LabOptionError(`runTasks: runId must be the id of a run, such as lab.runs gives it, got ${show(runId)}`);
  }
  if (name !== undefined && !isWord(name)) {
    throw new LabOptionError(`runTasks: name must be ${WORD_IN_WORDS}, got ${show(name)}`);
  }
  if (name !== undefined && isRunId(name)) {
    throw new LabOptionError(`runTasks: name must not look like the id of a run, got ${show(name)}`);
  }
  if (tags !== undefined && !(Array.isArray(tags) && tags.length <= MAX_TAGS && tags.every(isWord))) {
    throw new LabOptionError(
      `runTasks: tags must be a list of at most ${MAX_TAGS}, each of ${WORD_IN_WORDS}, got ${show(tags)}`,
    );
  }
}

/** @throws LabOptionError for what is no time that a run may take. */
export function checkDeadline(method: string, deadlineMs: number | undefined): void {
  if (deadlineMs === undefined || (Number.isFinite(deadlineMs) && deadlineMs > 0)) return;
  throw new LabOptionError(`${method}: deadlineMs must be a number of milliseconds above 0, got ${show(deadlineMs)}`);
}

const isWord = (value: unknown): boolean => typeof value === "string" && WORD.test(value);
