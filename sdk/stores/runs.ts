import { type ItemKey, runKey, runsPartition } from "../wire/keys.ts";
import { PROTOCOL_VERSION } from "../wire/protocol.ts";
import { dayOf } from "../wire/run-id.ts";
import type { Slot } from "../wire/slot.ts";
import type { Attribute, ControlTable, Item } from "./control-table.ts";
import { leaseWord, whileLeaseIs } from "./fencing.ts";
import { setSlot, slotOf } from "./slot-attributes.ts";

/** How long the record of a run is kept after it was last written, in seconds. */
const KEPT_SECONDS = 30 * 24 * 3600;
const HOUR_MS = 3600 * 1000;
const DAY_MS = 24 * HOUR_MS;

/** Tasks of a run by where they stand; those that nothing needs are not counted. */
export interface RunCounts {
  readonly total: number;
  /** Their results were there before the run. */
  readonly cached: number;
  readonly done: number;
  readonly failed: number;
  /** Never to be run: cancelled, or blocked by one that failed. */
  readonly cancelled: number;
  readonly running: number;
  readonly pending: number;
}

/**
 * How often AWS has refused something as too much at once, for a run; kinds of which nothing was refused are absent. Of what is
 * refused nothing is lost: it is made again.
 */
export interface RefusedCounts {
  /** Requests to DynamoDB that read. */
  readonly reads?: number;
  /** Requests to DynamoDB that write. */
  readonly writes?: number;
  /** Requests to S3 that store objects. */
  readonly puts?: number;
  /** Requests to S3 that load objects. */
  readonly gets?: number;
  /** Invocations of Lambda. */
  readonly invocations?: number;
  /** ECS tasks that were to be launched. */
  readonly launches?: number;
}

/** A task that failed in a run, in a few words. */
export interface RunFailure {
  readonly task: string;
  readonly kind: string;
  readonly message: string;
}

/** Who drives a run: on which machine, and which process there. */
export interface RunDriver {
  readonly host: string;
  readonly pid: number;
  /** Tells machines of one name apart. */
  readonly machine?: string;
}

/** What a run's record says of how it stands. A run whose driver is gone says "running" for ever. */
export type RecordedStatus = "running" | "ok" | "failed" | "cancelled";

/** A run, as the control table keeps it. */
export interface RunRecord {
  readonly id: string;
  readonly namespace: string;
  readonly name: string | undefined;
  readonly tags: readonly string[];
  /** Name of the runner: `local`, `aws`. */
  readonly runner: string;
  readonly status: RecordedStatus;
  /** Milliseconds since the epoch, as are all times here. */
  readonly startedAt: number;
  readonly endedAt: number | undefined;
  readonly counts: RunCounts;
  /** Dollars so far. */
  readonly costUsd: number;
  /** How long tasks were held back while it went on, in milliseconds; absent where that is never. */
  readonly heldMs?: number | undefined;
  /** Absent as long as nothing was refused. */
  readonly refused?: RefusedCounts | undefined;
  /** The first few. */
  readonly failures: readonly RunFailure[];
  readonly driver: RunDriver;
  readonly lease: { readonly holder: string; readonly epoch: number; readonly until: number };
  /** Somebody asked for its end. */
  readonly cancelRequested: boolean;
  /** Other labs have followed it while it went on: they load its results themselves. */
  readonly isFollowed: boolean;
  /** SHA-256 of its code: it is kept as long as the run is known. */
  readonly bundle: string;
  /** What it is made of, once that is written: enough for another driver to go on with it. */
  readonly manifest: Slot | undefined;
  /** When its driver gave it away in good order, until another one has it. */
  readonly handedOverAt: number | undefined;
}

/** What changes while a run is driven. */
export type RunProgress = Pick<
  RunRecord,
  "status" | "endedAt" | "counts" | "costUsd" | "heldMs" | "refused" | "failures"
> & {
  readonly until: number;
  /** Where it is new. */
  readonly manifest?: Slot | undefined;
};

const ttl = () => Math.floor(Date.now() / 1000) + KEPT_SECONDS;

/**
 * Sets what changes. Attribute by attribute: V8 makes an object of many spreads property by property in its runtime, which
 * takes longer than all the rest of a short run's record.
 */
function setChanging(item: Record<string, Attribute>, progress: RunProgress, epoch: number): void {
  const { status, endedAt, counts, costUsd, heldMs, refused, failures, until, manifest } = progress;
  if (manifest !== undefined) setSlot(item, "m", manifest);
  item.ttl = ttl();
  item.s = status;
  item.u = until;
  item.le = leaseWord({ epoch, until });
  item.te = endedAt ?? 0;
  item.c = JSON.stringify(counts);
  item.us = costUsd;
  if (heldMs) item.hm = heldMs;
  if (refused) item.rf = JSON.stringify(refused);
  item.fl = JSON.stringify(failures);
}

function changing(progress: RunProgress, epoch: number): Record<string, Attribute> {
  const item: Record<string, Attribute> = {};
  setChanging(item, progress, epoch);
  return item;
}

function toItem(record: RunRecord): Item {
  const { namespace, id, name, tags, runner, startedAt, driver, lease } = record;
  const { pk, sk } = runKey(namespace, id);
  const item: ItemKey & Record<string, Attribute> = {
    pk,
    sk,
    f: PROTOCOL_VERSION,
    ns: namespace,
    tg: JSON.stringify(tags),
    rn: runner,
    t: startedAt,
    x: record.cancelRequested,
    ha: record.handedOverAt ?? 0,
    b: record.bundle,
    // Who drives; the time until when is with what changes.
    ho: driver.host,
    p: driver.pid,
    h: lease.holder,
    e: lease.epoch,
  };
  if (name !== undefined) item.n = name;
  if (driver.machine !== undefined) item.ma = driver.machine;
  const { status, endedAt, counts, costUsd, heldMs, refused, failures, manifest } = record;
  const progress = { status, endedAt, counts, costUsd, heldMs, refused, failures, until: lease.until, manifest };
  setChanging(item, progress, lease.epoch);
  return item;
}

function toRecord(item: Item): RunRecord {
  return {
    id: item.sk,
    namespace: String(item.ns),
    name: item.n === undefined ? undefined : String(item.n),
    tags: JSON.parse(String(item.tg)),
    runner: String(item.rn),
    status: String(item.s) as RecordedStatus,
    startedAt: Number(item.t),
    endedAt: Number(item.te) || undefined,
    counts: JSON.parse(String(item.c)),
    costUsd: Number(item.us ?? 0),
    ...(item.hm === undefined ? {} : { heldMs: Number(item.hm) }),
    ...(item.rf === undefined ? {} : { refused: JSON.parse(String(item.rf)) as RefusedCounts }),
    failures: JSON.parse(String(item.fl)),
    driver: {
      host: String(item.ho),
      pid: Number(item.p),
      ...(item.ma === undefined ? {} : { machine: String(item.ma) }),
    },
    lease: { holder: String(item.h), epoch: Number(item.e), until: Number(item.u) },
    cancelRequested: item.x === true,
    isFollowed: item.fo === true,
    handedOverAt: Number(item.ha) || undefined,
    bundle: String(item.b ?? ""),
    manifest: item.m === undefined && item.mo === undefined ? undefined : slotOf("m", item),
  };
}

/**
 * Writes the record of a new run.
 *
 * @returns Undefined, or the record of another driver's run of this id.
 */
export async function createRun(table: ControlTable, record: RunRecord): Promise<RunRecord | undefined> {
  const result = await table.putIf(toItem(record), { when: "absent" });
  if (result.written || !result.existing) return undefined;
  const existing = toRecord(result.existing);
  // A write whose answer was lost is sent again, and then meets itself.
  const isItself = existing.lease.holder === record.lease.holder && existing.lease.epoch === record.lease.epoch;
  return isItself ? undefined : existing;
}

/**
 * Brings the record of a run up to date, as the driver of this epoch.
 *
 * @returns The record as it is then; whoever is not its driver any more has changed nothing.
 */
export async function updateRun(
  table: ControlTable,
  { namespace, id, lease }: Pick<RunRecord, "namespace" | "id" | "lease">,
  progress: RunProgress,
): Promise<{ readonly written: boolean; readonly record: RunRecord | undefined }> {
  const result = await table.mergeIf(runKey(namespace, id), changing(progress, lease.epoch), {
    when: "equals",
    attribute: "e",
    value: lease.epoch,
  });
  const item = result.written ? result.item : result.existing;
  return { written: result.written, record: item && toRecord(item) };
}

/**
 * Takes a run over from a driver whose lease has lapsed: from then on that one can change nothing any more.
 * It keeps the run if it has renewed the lease since that was read, as one does that was paused and wakes up.
 *
 * @param from The lease as it was read.
 * @param taking The record as the new driver wants it; what was asked of the old one is forgotten.
 * @returns Whether nobody else was faster.
 */
export async function takeRun(table: ControlTable, taking: RunRecord, from: RunRecord["lease"]): Promise<boolean> {
  const { namespace, id } = taking;
  const { pk: _pk, sk: _sk, ...attributes } = toItem({ ...taking, handedOverAt: undefined });
  const result = await table.mergeIf(runKey(namespace, id), attributes, whileLeaseIs(from));
  if (result.written) return true;
  const { existing } = result;
  // A write whose answer was lost is sent again, and then meets itself.
  return existing?.h === taking.lease.holder && existing.e === taking.lease.epoch;
}

/**
 * Gives a run away, as the driver of this epoch: whoever wants to may take it at once.
 *
 * @returns Whether it was still this driver's.
 */
export async function handOverRun(
  table: ControlTable,
  { namespace, id, lease }: Pick<RunRecord, "namespace" | "id" | "lease">,
  progress: Omit<RunProgress, "until">,
): Promise<boolean> {
  const attributes = { ...changing({ ...progress, until: 0 }, lease.epoch), ha: Date.now() };
  const result = await table.mergeIf(runKey(namespace, id), attributes, {
    when: "equals",
    attribute: "e",
    value: lease.epoch,
  });
  return result.written;
}

/** Records of runs by their ids, undefined where there is none. */
export async function readRuns(
  table: ControlTable,
  namespace: string,
  ids: readonly string[],
): Promise<(RunRecord | undefined)[]> {
  const items = await table.getMany(ids.map((id) => runKey(namespace, id)));
  return items.map((item) => (item && !isExpired(item) ? toRecord(item) : undefined));
}

/**
 * The runs of a namespace, newest first: one query for each day, back to this moment or to where
 * records are forgotten.
 */
export async function* listRuns(table: ControlTable, namespace: string, sinceMs = 0): AsyncIterable<RunRecord> {
  const now = Date.now();
  // A run has its id a little before it begins.
  const first = dayOf(Math.max(sinceMs - HOUR_MS, now - KEPT_SECONDS * 1000));
  for (let at = now + DAY_MS; dayOf(at) >= first; at -= DAY_MS) {
    const items = await table.query(runsPartition(namespace, dayOf(at)));
    for (const item of items.reverse()) {
      if (!isExpired(item) && Number(item.t) >= sinceMs) yield toRecord(item);
    }
  }
}

/** Writes down what a run has cost that is over, as its driver of this epoch; later drivers have their own. */
export async function amendCost(
  table: ControlTable,
  { namespace, id, lease }: Pick<RunRecord, "namespace" | "id" | "lease">,
  costUsd: number,
): Promise<void> {
  const when = { when: "equals", attribute: "e", value: lease.epoch } as const;
  await table.mergeIf(runKey(namespace, id), { us: costUsd }, when);
}

/** Asks the driver of a run to end it; it looks every second. */
export async function requestCancel(table: ControlTable, namespace: string, id: string): Promise<void> {
  await table.merge(runKey(namespace, id), { x: true });
}

/**
 * Says that a lab follows a run, if that goes on.
 *
 * @returns Its record then. Undefined where there is none.
 */
export async function noteFollowed(table: ControlTable, namespace: string, id: string): Promise<RunRecord | undefined> {
  const isGoingOn = { when: "equals", attribute: "s", value: "running" } as const;
  const result = await table.mergeIf(runKey(namespace, id), { fo: true }, isGoingOn);
  const item = result.written ? result.item : result.existing;
  return item && toRecord(item);
}

/** Forgets that there was a run. Results of its tasks stay. */
export async function deleteRun(table: ControlTable, namespace: string, id: string): Promise<void> {
  await table.deleteMany([runKey(namespace, id)]);
}

/** DynamoDB takes its time to delete, and the local table does not. */
const isExpired = (item: Item) => Number(item.ttl) * 1000 < Date.now();
