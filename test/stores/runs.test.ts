import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import {
  createRun,
  deleteRun,
  handOverRun,
  listRuns,
  type RunRecord,
  readRuns,
  requestCancel,
  takeRun,
  updateRun,
} from "../../sdk/stores/runs.ts";
import { dayOf, isRunId, newRunId } from "../../sdk/wire/run-id.ts";
import { temporaryStores } from "./folders.ts";

const NOW = Date.UTC(2026, 10, 21, 0, 30);
const DAY = 24 * 3600 * 1000;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"], now: NOW });
});
afterEach(() => {
  vi.useRealTimers();
});

function record(id: string, over: Partial<RunRecord> = {}): RunRecord {
  return {
    id,
    namespace: "ns",
    name: undefined,
    tags: [],
    runner: "local",
    status: "running",
    startedAt: Date.now(),
    endedAt: undefined,
    counts: { total: 1, cached: 0, done: 0, failed: 0, cancelled: 0, running: 1, pending: 0 },
    costUsd: 0,
    failures: [],
    driver: { host: "here", pid: 7 },
    lease: { holder: "lab", epoch: 1, until: Date.now() + 15_000 },
    cancelRequested: false,
    isFollowed: false,
    bundle: "",
    manifest: undefined,
    handedOverAt: undefined,
    ...over,
  };
}

const ENDED = {
  status: "ok",
  endedAt: NOW + 1,
  until: 0,
  counts: { total: 1, cached: 0, done: 1, failed: 0, cancelled: 0, running: 0, pending: 0 },
  costUsd: 0.25,
  failures: [{ task: "t", kind: "timeout", message: "too long" }],
} as const;

async function ids(runs: AsyncIterable<RunRecord>): Promise<string[]> {
  const found: string[] = [];
  for await (const { id } of runs) found.push(id);
  return found;
}

describe("the id of a run", () => {
  test("sorts by time, names the day, and is not had twice", () => {
    vi.setSystemTime(NOW + DAY);
    const made = Array.from({ length: 1_000 }, newRunId);
    expect(made).toEqual([...new Set(made)].sort());
    expect(made.every((id) => isRunId(id) && id.startsWith(`${dayOf(Date.now())}-00300`))).toBe(true);
    expect(made[0]).toMatch(/^20261122-003000000-/);
    expect(isRunId("nightly")).toBe(false);
  });
});

describe("the record of a run", () => {
  test("is as it was written", async () => {
    await using stores = await temporaryStores();
    const written = record(newRunId(), { name: "nightly", tags: ["a", "b"] });
    expect(await createRun(stores.table, written)).toBeUndefined();
    expect(await readRuns(stores.table, "ns", [written.id, newRunId()])).toEqual([written, undefined]);
    expect(await readRuns(stores.table, "other", [written.id])).toEqual([undefined]);
  });

  test("is created once; who meets another's is told whose it is", async () => {
    await using stores = await temporaryStores();
    const first = record(newRunId());
    await createRun(stores.table, first);
    expect(await createRun(stores.table, first)).toBeUndefined();
    const second = { ...first, lease: { ...first.lease, holder: "another" } };
    expect(await createRun(stores.table, second)).toEqual(first);
  });

  test("is changed by the driver of its epoch, and by no other", async () => {
    await using stores = await temporaryStores();
    const first = record(newRunId());
    await createRun(stores.table, first);
    const { until, ...ended } = ENDED;
    const after = { ...first, ...ended, lease: { ...first.lease, until } };
    expect(await updateRun(stores.table, first, ENDED)).toEqual({ written: true, record: after });
    const older = { ...first, lease: { ...first.lease, epoch: 0 } };
    const refused = await updateRun(stores.table, older, { ...ENDED, status: "failed" });
    expect(refused).toEqual({ written: false, record: after });
  });

  test("says what was refused of it and held back, where that is something, whoever drives it then", async () => {
    await using stores = await temporaryStores();
    const first = record(newRunId());
    await createRun(stores.table, first);
    await updateRun(stores.table, first, { ...ENDED, heldMs: 1_200, refused: { writes: 3, launches: 1 } });
    const [seen] = await readRuns(stores.table, "ns", [first.id]);
    expect(seen).toMatchObject({ heldMs: 1_200, refused: { writes: 3, launches: 1 } });
    const taking = { ...(seen as RunRecord), lease: { holder: "next", epoch: 2, until: NOW + 20_000 } };
    expect(await takeRun(stores.table, taking, (seen as RunRecord).lease)).toBe(true);
    const [taken] = await readRuns(stores.table, "ns", [first.id]);
    expect(taken).toMatchObject({ heldMs: 1_200, refused: { writes: 3, launches: 1 } });
  });

  test("is not taken from a driver that has renewed its lease since that was read, as one does that wakes up", async () => {
    await using stores = await temporaryStores();
    const first = record(newRunId());
    await createRun(stores.table, first);
    const taking = {
      ...first,
      lease: { holder: "second", epoch: first.lease.epoch + 1, until: first.lease.until + 1 },
    };
    const { until: _, ...going } = { ...ENDED, status: "running" as const, endedAt: undefined };
    const renewed = { ...first.lease, until: first.lease.until + 5_000 };
    await updateRun(stores.table, first, { ...going, until: renewed.until });
    expect(await takeRun(stores.table, taking, first.lease)).toBe(false);
    expect(await takeRun(stores.table, taking, renewed)).toBe(true);
    // The first can give it to nobody any more.
    expect(await handOverRun(stores.table, first, going)).toBe(false);
  });

  test("keeps that its end was asked for, whatever the driver writes", async () => {
    await using stores = await temporaryStores();
    const run = record(newRunId());
    await createRun(stores.table, run);
    await requestCancel(stores.table, "ns", run.id);
    const { record: after } = await updateRun(stores.table, run, { ...ENDED, status: "running", endedAt: undefined });
    expect(after).toMatchObject({ status: "running", cancelRequested: true });
    await requestCancel(stores.table, "ns", newRunId());
  });

  test("is gone when it is deleted, and not written again by a driver that lives on", async () => {
    await using stores = await temporaryStores();
    const run = record(newRunId());
    await createRun(stores.table, run);
    await deleteRun(stores.table, "ns", run.id);
    expect(await updateRun(stores.table, run, ENDED)).toEqual({ written: false, record: undefined });
    expect(await readRuns(stores.table, "ns", [run.id])).toEqual([undefined]);
  });
});

describe("the runs of a namespace", () => {
  test("are listed newest first, over days, back to a moment, and for thirty days", async () => {
    await using stores = await temporaryStores();
    const made: string[] = [];
    for (const daysAgo of [31, 29, 2, 1, 0, 0]) {
      vi.setSystemTime(NOW - daysAgo * DAY + made.length * 1_000);
      const run = record(newRunId());
      made.unshift(run.id);
      await createRun(stores.table, run);
      await createRun(stores.table, { ...record(newRunId()), namespace: "other" });
    }
    vi.setSystemTime(NOW + 10_000);
    expect(await ids(listRuns(stores.table, "ns"))).toEqual(made.slice(0, 5));
    expect(await ids(listRuns(stores.table, "ns", NOW - DAY))).toEqual(made.slice(0, 3));
    expect(await ids(listRuns(stores.table, "ns", NOW + 5_000))).toEqual(made.slice(0, 1));
    expect(await ids(listRuns(stores.table, "none"))).toEqual([]);
  });

  test("that began right after midnight are found by the day of their ids", async () => {
    await using stores = await temporaryStores();
    vi.setSystemTime(Date.UTC(2026, 10, 20, 23, 59, 59));
    const id = newRunId();
    const midnight = Date.UTC(2026, 10, 21);
    await createRun(stores.table, record(id, { startedAt: midnight + 100 }));
    vi.setSystemTime(NOW);
    expect(await ids(listRuns(stores.table, "ns", midnight))).toEqual([id]);
  });
});
