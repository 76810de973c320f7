import { pack, unpack } from "msgpackr";
import { journalKey, journalPartition } from "../wire/keys.ts";
import { PROTOCOL_VERSION } from "../wire/protocol.ts";
import { isNewerVersion, refuseNewer } from "../wire/version.ts";
import type { ControlTable } from "./control-table.ts";
import { unlessReplaced } from "./fencing.ts";
import type { RunDriver } from "./runs.ts";

/** An attempt in flight, in an assignment that outlives its driver. */
export interface JournalAttempt {
  readonly key: string;
  /** Index of the task with its driver: what its executor calls it. */
  readonly task: number;
  readonly attempt: number;
  readonly generation: number;
}

/** An assignment in flight. */
export interface JournalAssignment {
  readonly id: string;
  /** The lab that began it, where that is an earlier one. */
  readonly lab?: string;
  /** The run that it was begun in, where that is another one. */
  readonly runId?: string;
  /** Name of its lane. */
  readonly lane: string;
  readonly executor: string | undefined;
  /** The shard of the feed in which its executor tells what happens. Default 0, the first. */
  readonly feedShard?: number;
  readonly dispatchedAt: number;
  /** By when it is over, whatever becomes of it, in milliseconds since the epoch. */
  readonly deadline: number;
  readonly attempts: readonly JournalAttempt[];
}

/** What a driver has in flight of one run. */
export interface Journal {
  readonly runId: string;
  /** Its lab: the name of its feed, and of its sign of life. */
  readonly lab: string;
  readonly driver: RunDriver;
  /** Which of the run's drivers, counted from 1. */
  readonly epoch: number;
  readonly assignments: readonly JournalAssignment[];
}

/** An item has room for 400 KB: this much of it is for assignments, in bytes. */
const PAGE_BYTES = 300_000;
/** About what an assignment takes, and each of its attempts, whose keys alone have 32 bytes. */
const ASSIGNMENT_BYTES = 100;
const ATTEMPT_BYTES = 48;
const bytesOf = ({ attempts }: JournalAssignment): number => ASSIGNMENT_BYTES + attempts.length * ATTEMPT_BYTES;

/** About how many bytes it takes to write down what is in flight: as many write units as it has KB. */
export const journalBytes = (assignments: readonly JournalAssignment[]): number =>
  assignments.reduce((sum, each) => sum + bytesOf(each), 0);

/** Assignments by items that have room for them. */
function inPages(assignments: readonly JournalAssignment[]): JournalAssignment[][] {
  const pages: JournalAssignment[][] = [];
  let room = 0;
  for (const each of assignments) {
    const bytes = bytesOf(each);
    if (bytes > room) {
      pages.push([]);
      room = PAGE_BYTES;
    }
    pages.at(-1)?.push(each);
    room -= bytes;
  }
  return pages;
}

/** An attempt in flight is over after a day, whatever its service. */
const KEPT_SECONDS = 24 * 3600;

/**
 * Writes down what is in flight of a run, unless a later driver has.
 *
 * @param pages How many items it had the last time; those that are too many are deleted.
 * @returns How many it has now.
 */
export async function writeJournal(
  table: ControlTable,
  namespace: string,
  { runId, lab, driver, epoch, assignments }: Journal,
  pages: number,
): Promise<number> {
  const parts = inPages(assignments);
  const ttl = Math.floor(Date.now() / 1000) + KEPT_SECONDS;
  for (const [page, part] of parts.entries()) {
    const rows = part.map(({ id, lane, executor, dispatchedAt, deadline, attempts, ...where }) => [
      [id, lane, executor ?? "", dispatchedAt, deadline, ...whereBegun(where, { lab, runId })],
      attempts.map(({ key, task, attempt, generation }) => [Buffer.from(key, "hex"), task, attempt, generation]),
    ]);
    const key = journalKey(namespace, runId, page);
    const item = { ...key, f: PROTOCOL_VERSION, ttl, l: lab, d: JSON.stringify(driver), ep: epoch, e: pack(rows) };
    await table.putIf(item, unlessReplaced(epoch));
  }
  for (let page = parts.length; page < pages; page += 1) {
    await table.deleteIf(journalKey(namespace, runId, page), unlessReplaced(epoch));
  }
  return parts.length;
}

/** Named only where it is not what the journal itself says, or where something stands behind it. */
function whereBegun(
  { lab, runId, feedShard }: Pick<JournalAssignment, "lab" | "runId" | "feedShard">,
  own: Pick<Journal, "lab" | "runId">,
): (string | number)[] {
  const shard = feedShard === undefined ? [] : [feedShard];
  return lab === undefined && !feedShard ? [] : [lab ?? own.lab, runId ?? own.runId, ...shard];
}

type Row = readonly [
  head: readonly [string, string, string, number, number, string?, string?, number?],
  attempts: readonly (readonly [Uint8Array, number, number, number])[],
];

/** What drivers of a namespace have in flight, or had when they died. */
export async function readJournals(table: ControlTable, namespace: string): Promise<Journal[]> {
  const items = await table.query(journalPartition(namespace));
  return items.flatMap((item) => {
    try {
      refuseNewer(`the journal ${item.pk} ${item.sk}`, item.f);
    } catch (error) {
      // What cannot be read cannot be taken over: it is made again, which is never wrong.
      if (isNewerVersion(error)) return [];
      throw error;
    }
    const rows = unpack(item.e as Uint8Array) as Row[];
    const assignments = rows.map(
      ([[id, lane, executor, dispatchedAt, deadline, begunBy, begunIn, feedShard], attempts]) => ({
        id,
        ...(begunBy === undefined ? {} : { lab: begunBy }),
        ...(begunIn === undefined ? {} : { runId: begunIn }),
        ...(feedShard === undefined ? {} : { feedShard }),
        lane,
        executor: executor || undefined,
        dispatchedAt,
        deadline,
        attempts: attempts.map(([key, task, attempt, generation]) => ({
          key: Buffer.from(key).toString("hex"),
          task,
          attempt,
          generation,
        })),
      }),
    );
    const driver = JSON.parse(String(item.d)) as RunDriver;
    const runId = item.sk.slice(0, item.sk.indexOf("#"));
    return [{ runId, lab: String(item.l), driver, epoch: Number(item.ep ?? 0), assignments }];
  });
}
