import { remainingMs } from "./core/lease.ts";
import { isCertainlyGone } from "./driver/this-process.ts";
import { LabError, LabOptionError } from "./errors.ts";
import { checkNames, show } from "./options.ts";
import type { ControlTable } from "./stores/control-table.ts";
import {
  listRuns,
  type RefusedCounts,
  type RunCounts,
  type RunDriver,
  type RunFailure,
  type RunRecord,
  readRuns,
} from "./stores/runs.ts";
import { isRunId } from "./wire/run-id.ts";

export type { RefusedCounts, RunCounts, RunDriver, RunFailure };

export const RUN_STATUSES = ["running", "ok", "failed", "cancelled", "interrupted"] as const;

/** How a run stands. `interrupted`: its driver is gone without having ended it. */
export type RunStatus = (typeof RUN_STATUSES)[number];

/** A run of a namespace, also one of another process, as the control table knows it. */
export interface RunInfo {
  readonly id: string;
  readonly name?: string;
  readonly tags: readonly string[];
  readonly namespace: string;
  readonly status: RunStatus;
  /** Name of the runner: `local`, `aws`. */
  readonly runner: string;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  readonly endedAt?: number;
  /** Some seconds old while the run goes on. */
  readonly counts: RunCounts;
  /**
   * Dollars so far: all of its attempts, and the idle time of its ECS tasks. An ECS task that waits for more work
   * after the run is added when it ends.
   */
  readonly costUsd: number;
  /**
   * How often AWS has refused something as too much at once, of the run's attempts and, while it went on, of the driver;
   * all of it was made again. Absent where nothing was refused.
   */
  readonly refused?: RefusedCounts;
  /**
   * How long something of its lab could have begun, but was held back while the run went on, so that AWS would not refuse it:
   * tasks for DynamoDB, S3 or Lambda, launches for ECS. In milliseconds, however many were held back at a time. Absent where that was never.
   */
  readonly heldMs?: number;
  /** The process that drives it, or did. */
  readonly driver: RunDriver;
  /** The first few tasks that failed. */
  readonly failures: readonly RunFailure[];
}

/** Which runs to list. */
export interface RunsOptions {
  readonly status?: RunStatus;
  readonly tag?: string;
  readonly name?: string;
  /** Only runs that began then or later: a Date, or milliseconds since the epoch. */
  readonly since?: Date | number;
  /** At most this many, the newest. Default all that are known. */
  readonly limit?: number;
}

/** Refuses options of `lab.runs` that mean nothing. */
export function checkRunsOptions(options: RunsOptions): void {
  checkNames("runs", options, ["status", "tag", "name", "since", "limit"]);
  const { status, since, limit } = options;
  if (status !== undefined && !RUN_STATUSES.includes(status)) {
    throw new LabOptionError(`runs: status must be ${RUN_STATUSES.map(show).join(", ")}, got ${show(status)}`);
  }
  if (since !== undefined && !Number.isFinite(Number(since))) {
    throw new LabOptionError(`runs: since must be a Date or milliseconds since the epoch, got ${show(since)}`);
  }
  if (limit !== undefined && !(Number.isInteger(limit) && limit >= 1)) {
    throw new LabOptionError(`runs: limit must be a whole number, at least 1, got ${show(limit)}`);
  }
}

/** The runs of a namespace that are asked for, newest first. */
export async function findRuns(table: ControlTable, namespace: string, options: RunsOptions = {}): Promise<RunInfo[]> {
  checkRunsOptions(options);
  const { status, tag, name, since, limit = Number.POSITIVE_INFINITY } = options;
  const found: RunInfo[] = [];
  for await (const record of listRuns(table, namespace, since === undefined ? 0 : Number(since))) {
    if (name !== undefined && record.name !== name) continue;
    if (tag !== undefined && !record.tags.includes(tag)) continue;
    const info = infoOf(record, Date.now());
    if (status !== undefined && info.status !== status) continue;
    found.push(info);
    if (found.length >= limit) break;
  }
  return found;
}

/**
 * One run, by its id or its name; of several of one name the newest.
 *
 * @throws LabError when there is none.
 */
export async function findRun(table: ControlTable, namespace: string, idOrName: string): Promise<RunInfo> {
  if (isRunId(idOrName)) {
    const [record] = await readRuns(table, namespace, [idOrName]);
    if (record) return infoOf(record, Date.now());
  } else {
    const [info] = await findRuns(table, namespace, { name: idOrName, limit: 1 });
    if (info) return info;
  }
  const where = namespace === "default" ? "" : ` in the namespace ${namespace}`;
  throw new LabError(
    "unknown-run",
    `there is no run ${show(idOrName)}${where}; "stratolab runs" lists those there are`,
  );
}

function infoOf(record: RunRecord, now: number): RunInfo {
  const {
    lease,
    cancelRequested: _,
    isFollowed: _____,
    manifest: __,
    handedOverAt: ___,
    bundle: ____,
    status,
    name,
    endedAt,
    heldMs,
    refused,
    driver,
    ...rest
  } = record;
  const isGone = status === "running" && (remainingMs(lease, now) === 0 || isCertainlyGone(driver));
  return {
    ...rest,
    ...(name === undefined ? {} : { name }),
    driver: { host: driver.host, pid: driver.pid },
    status: isGone ? "interrupted" : status,
    ...(endedAt === undefined ? {} : { endedAt }),
    ...(heldMs === undefined ? {} : { heldMs }),
    ...(refused === undefined ? {} : { refused }),
  };
}
