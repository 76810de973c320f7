import { expect, test } from "vitest";
import { type Journal, readJournals, writeJournal } from "../../sdk/stores/journal.ts";
import { temporaryStores } from "./folders.ts";

const assignment = (id: string, more: { readonly lab?: string; readonly runId?: string } = {}) => ({
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
