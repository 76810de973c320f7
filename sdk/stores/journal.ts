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

/** An item has room for 400 KB; one assignment takes about a hundred bytes. */
const ASSIGNMENTS_PER_ITEM = 2_000;
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
  const count = Math.ceil(assignments.length / ASSIGNMENTS_PER_ITEM);
  const ttl = Math.floor(Date.now() / 1000) + KEPT_SECONDS;
  for (let page = 0; page < count; page += 1) {
    const part = assignments.slice(page * ASSIGNMENTS_PER_ITEM, (page + 1) * ASSIGNMENTS_PER_ITEM);
    const rows = part.map(
      ({ id, lane, executor, dispatchedAt, deadline, attempts, lab: begunBy, runId: begunIn = runId }) => [
        [id, lane, executor ?? "", dispatchedAt, deadline, ...(begunBy === undefined ? [] : [begunBy, begunIn])],
        attempts.map(({ key, task, attempt, generation }) => [Buffer.from(key, "hex"), task, attempt, generation]),
      ],
    );
    const key = journalKey(namespace, runId, page);
    const item = { ...key, f: PROTOCOL_VERSION, ttl, l: lab, d: JSON.stringify(driver), ep: epoch, e: pack(rows) };
    await table.putIf(item, unlessReplaced(epoch));
  }
  for (let page = count; page < pages; page += 1) {
    await table.deleteIf(journalKey(namespace, runId, page), unlessReplaced(epoch));
  }
  return count;
}

type Row = readonly [
  head: readonly [string, string, string, number, number, string?, string?],
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
    const assignments = rows.map(([[id, lane, executor, dispatchedAt, deadline, begunBy, begunIn], attempts]) => ({
      id,
      ...(begunBy === undefined ? {} : { lab: begunBy }),
      ...(begunIn === undefined ? {} : { runId: begunIn }),
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
    }));
    const driver = JSON.parse(String(item.d)) as RunDriver;
    const runId = item.sk.slice(0, item.sk.indexOf("#"));
    return [{ runId, lab: String(item.l), driver, epoch: Number(item.ep ?? 0), assignments }];
  });
}
