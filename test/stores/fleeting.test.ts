import { afterAll, expect, test } from "vitest";
import { LocalControlTable } from "../../sdk/stores/local/control-table.ts";
import { openLocalStores } from "../../sdk/stores/local/open.ts";
import type { ResultRecord } from "../../sdk/stores/result-items.ts";
import { listResults } from "../../sdk/stores/result-search.ts";
import { commitInOrder, commitResult, deleteResults, readResults } from "../../sdk/stores/results.ts";
import { testControlTable } from "./control-table-suite.ts";
import { newFolder } from "./folders.ts";

// All but results is kept as ever.
testControlTable("this machine, for a lab without storage", async () => {
  const { folder, release } = await newFolder();
  return { table: (await openLocalStores(folder, true)).table, release };
});

const { folder, release } = await newFolder();
const { table, keptResults } = await openLocalStores(folder, true);
afterAll(async () => {
  await table.close();
  await release();
});

const record = (key: string, value: number, changes: Partial<ResultRecord> = {}): ResultRecord => ({
  key,
  namespace: "default",
  name: "train",
  version: "v",
  generation: 0,
  value: { inline: new Uint8Array([value]) },
  params: { inline: new Uint8Array([0]) },
  runId: "20260101-000000-abcde",
  attempt: 1,
  endedAt: 1_000 + value,
  durationMs: 1,
  peakMemoryMb: 1,
  ...changes,
});

const named = (...keys: string[]) => keys.map((key) => ({ key, namespace: "default", name: "train", version: "v" }));

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

test("a result that was told is found, listed and deleted, and its record is made only then", async () => {
  let made = 0;
  keptResults?.keep("told", () => {
    made += 1;
    return record("told", 1);
  });
  expect(made).toBe(0);
  expect(await readResults(table, named("told", "other"))).toEqual([record("told", 1), undefined]);
  expect((await all(listResults(table, "default"))).map(({ key }) => key)).toEqual(["told"]);
  expect(await all(listResults(table, "elsewhere"))).toEqual([]);
  await deleteResults(table, named("told", "other"));
  expect(await readResults(table, named("told"))).toEqual([undefined]);
});

test("of two commits the first counts, and a later generation replaces it", async () => {
  expect(await commitResult(table, record("raced", 1))).toEqual({ record: record("raced", 1), own: true });
  expect(await commitResult(table, record("raced", 2))).toEqual({ record: record("raced", 1), own: false });
  const anew = record("raced", 3, { generation: 5 });
  expect(await commitInOrder(table, [anew, record("after", 4), record("raced", 5), record("never", 6)])).toEqual([
    { record: anew, own: true },
    { record: record("after", 4), own: true },
    { record: anew, own: false },
  ]);
  expect(await readResults(table, named("raced", "never"))).toEqual([anew, undefined]);
});

test("nothing of it is written to the file", async () => {
  keptResults?.keep("kept", () => record("kept", 1));
  await commitResult(table, record("committed", 1));
  const file = new LocalControlTable(`${folder}/control.lmdb`);
  expect(await all(file.scan("R#"))).toEqual([]);
  await file.close();
});
