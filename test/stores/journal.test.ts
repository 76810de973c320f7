import { expect, test } from "vitest";
import { type Journal, journalBytes, readJournals, writeJournal } from "../../sdk/stores/journal.ts";
import { journalPartition } from "../../sdk/wire/keys.ts";
import { temporaryStores } from "./folders.ts";

const assignment = (id: string, more: Partial<Journal["assignments"][number]> = {}) => ({
  id,
  lane: "fargate 1 vCPU 2048 MB",
  executor: "c1",
  dispatchedAt: 1,
  deadline: 2,
  attempts: [{ key: "ab".repeat(32), task: 4, attempt: 2, generation: 0 }],
  ...more,
});
const journal = (lab: string, epoch: number, assignments: Journal["assignments"]): Journal => ({
  runId: "run",
  lab,
  driver: { host: "here", pid: 1 },
  epoch,
  assignments,
});

test("what is in flight is as it was written, also what the driver has taken over from an earlier one", async () => {
  await using stores = await temporaryStores();
  const written = journal("second", 2, [assignment("7"), assignment("3", { lab: "first", runId: "earlier" })]);
  await writeJournal(stores.table, "ns", written, 0);
  expect(await readJournals(stores.table, "ns")).toEqual([written]);
});

test("a driver that was stopped as it wrote does not write over what a later one has in flight", async () => {
  await using stores = await temporaryStores();
  const later = journal("second", 2, [assignment("7")]);
  await writeJournal(stores.table, "ns", journal("first", 1, [assignment("1")]), 0);
  await writeJournal(stores.table, "ns", later, 0);
  await writeJournal(stores.table, "ns", journal("first", 1, [assignment("2")]), 1);
  await writeJournal(stores.table, "ns", journal("first", 1, []), 1);
  expect(await readJournals(stores.table, "ns")).toEqual([later]);
});

test("in which shard of its lab's feed an executor tells is kept, also of what an earlier driver began", async () => {
  await using stores = await temporaryStores();
  const own = assignment("7", { feedShard: 3 });
  const first = assignment("8", { feedShard: 0 });
  const earlier = assignment("3", { lab: "first", runId: "earlier", feedShard: 2 });
  await writeJournal(stores.table, "ns", journal("second", 2, [own, first, earlier]), 0);
  const named = { lab: "second", runId: "run" };
  const { feedShard: _, ...plain } = first;
  expect(await readJournals(stores.table, "ns")).toEqual([
    journal("second", 2, [{ ...own, ...named }, plain, earlier]),
  ]);
});

test("large dispatches of many executors are written in items that the table takes", async () => {
  await using stores = await temporaryStores();
  const attempts = Array.from({ length: 100 }, (_, task) => ({
    key: task.toString(16).padStart(64, "0"),
    task: 1_000_000 + task,
    attempt: 1,
    generation: 0,
  }));
  const many = Array.from({ length: 300 }, (_, id) => ({ ...assignment(String(id)), attempts }));
  const pages = await writeJournal(stores.table, "ns", journal("lab", 1, many), 0);
  const items = await stores.table.query(journalPartition("ns"));
  expect(items).toHaveLength(pages);
  // DynamoDB's bound on an item.
  for (const item of items) expect((item.e as Uint8Array).byteLength).toBeLessThan(390_000);
  expect((await readJournals(stores.table, "ns")).flatMap(({ assignments }) => assignments)).toEqual(many);
  // About as much as was reckoned with.
  const bytes = items.reduce((sum, { e }) => sum + (e as Uint8Array).byteLength, 0);
  expect(journalBytes(many) / bytes).toBeGreaterThan(0.9);
  expect(journalBytes(many) / bytes).toBeLessThan(1.2);
  expect(await writeJournal(stores.table, "ns", journal("lab", 1, []), pages)).toBe(0);
  expect(await readJournals(stores.table, "ns")).toEqual([]);
});
