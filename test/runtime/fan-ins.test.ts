import { expect, test } from "vitest";
import { FanIns } from "../../runtime/fan-ins.ts";
import type { Stores } from "../../sdk/stores/stores.ts";
import type { Assignment, AttemptSpec } from "../../sdk/wire/attempt.ts";
import type { FanInSpec } from "../../sdk/wire/fan-in.ts";
import type { AttemptReport } from "../../sdk/wire/invocation.ts";
import type { Slot } from "../../sdk/wire/slot.ts";
import { temporaryStores } from "../stores/folders.ts";

const keyOf = (task: number) => task.toString(16).padStart(64, "0").split("").reverse().join("");
const inline = (...bytes: number[]): Slot => ({ inline: Uint8Array.from(bytes) });
const usage = { loadMs: 0, runMs: 0, storeMs: 0, cpuMs: 0, peakMemoryMb: 0, bytesIn: 0, bytesOut: 0 };

const spec = (task: number, handed: readonly number[] = []): AttemptSpec => ({
  task,
  attempt: 1,
  key: keyOf(task),
  name: "sum",
  version: "1",
  params: inline(1),
  inputs: {},
  ...(handed.length > 0 ? { handed: handed.map(keyOf) } : {}),
  resources: { numCpus: 1, numGpus: 0 },
  generation: 0,
});

const fanIn = (task: number, handed: readonly number[]): FanInSpec => ({ spec: spec(task, handed), item: `${task}#1` });

const ok = (task: number, value = inline(task)): AttemptReport => ({
  task,
  attempt: 1,
  outcome: { kind: "ok", value, usage: { startedAt: 0, endedAt: 1, ...usage } },
});

/** An executor with some tasks, and fan-ins that it was told of. */
function executor(stores: Stores, tasks: readonly number[], fanIns: readonly FanInSpec[], mayGoOn = true) {
  const told: AttemptReport[] = [];
  const assignment = { id: "1", runId: "run", attempts: tasks.map((task) => spec(task)), fanIns };
  const meeting = new FanIns({
    assignment: assignment as unknown as Assignment,
    stores: async () => stores,
    mayGoOn: () => mayGoOn,
    report: (report) => told.push(report),
  });
  return { meeting, told };
}

/** Inputs of an attempt, each by its bytes. */
const bytesOf = ({ inputs }: AttemptSpec) =>
  Object.fromEntries(Object.entries(inputs).map(([key, slot]) => [key, "inline" in slot ? [...slot.inline] : slot]));

const tasksOf = (specs: readonly AttemptSpec[]) => specs.map(({ task }) => task);

test("of several exactly the last goes on, with all inputs, and says so with what it has brought", async () => {
  await using stores = await temporaryStores();
  const sum = fanIn(9, [0, 1, 2]);
  const executors = [0, 1, 2].map((task) => executor(stores, [task], [sum]));
  executors.forEach(({ meeting }, task) => {
    meeting.report(ok(task));
  });
  const going = await Promise.all(executors.map(({ meeting }) => meeting.next()));
  const [[next], ...others] = going.filter(({ length }) => length > 0);
  expect(others).toEqual([]);
  expect(next).toMatchObject({ task: 9, attempt: 1 });
  expect(next.handed).toBeUndefined();
  expect(bytesOf(next)).toEqual(Object.fromEntries([0, 1, 2].map((task) => [keyOf(task), [task]])));
  const goesOn = executors.flatMap(({ told }) => told.flatMap(({ goesOnWith = [] }) => goesOnWith));
  expect(goesOn).toEqual([{ task: 9, attempt: 1 }]);
});

test("what one has several inputs of is told in one write, when all of them are there", async () => {
  await using stores = await temporaryStores();
  const sum = fanIn(9, [0, 1, 2]);
  const first = executor(stores, [0, 1], [sum]);
  const second = executor(stores, [2], [sum]);
  first.meeting.report(ok(0));
  second.meeting.report(ok(2));
  expect([await first.meeting.next(), await second.meeting.next()]).toEqual([[], []]);
  first.meeting.report(ok(1));
  expect(tasksOf(await first.meeting.next())).toEqual([9]);
});

test("it goes on to the root, and says of each that it was one", async () => {
  await using stores = await temporaryStores();
  const fanIns = [fanIn(4, [0, 1]), fanIn(6, [4, 5])];
  const other = executor(stores, [5, 1], [fanIn(4, [0, 1]), fanIn(6, [4, 5])]);
  other.meeting.report(ok(5));
  other.meeting.report(ok(1));
  await other.meeting.next();
  const { meeting, told } = executor(stores, [0], fanIns);
  meeting.report(ok(0));
  expect(tasksOf(await meeting.next())).toEqual([4]);
  meeting.report(ok(4));
  const [root] = await meeting.next();
  expect(root.task).toBe(6);
  expect(bytesOf(root)).toEqual({ [keyOf(4)]: [4], [keyOf(5)]: [5] });
  expect(told.map(({ goesOnWith }) => goesOnWith?.map(({ task }) => task))).toEqual([[4], [4, 6]]);
});

test("an attempt that is made once more brings nothing once more", async () => {
  await using stores = await temporaryStores();
  const sum = fanIn(9, [0, 1]);
  const [first, again, last] = [[0], [0], [1]].map((tasks) => executor(stores, tasks, [sum]));
  for (const { meeting } of [first, again]) meeting.report(ok(0));
  expect([await first.meeting.next(), await again.meeting.next()]).toEqual([[], []]);
  last.meeting.report(ok(1));
  expect(tasksOf(await last.meeting.next())).toEqual([9]);
});

test.each([
  ["has failed", { task: 0, attempt: 1, outcome: { kind: "user-error", seen: "" } }],
  ["is not stored", { task: 0, attempt: 1, outcome: { ...ok(0).outcome, unstored: true } }],
  ["is too large for an item", ok(0, { inline: new Uint8Array(2_000) })],
] as readonly [string, AttemptReport][])("what %s is not brought", async (_, report) => {
  await using stores = await temporaryStores();
  const sum = fanIn(9, [0, 1]);
  const first = executor(stores, [0], [sum]);
  const last = executor(stores, [1], [sum]);
  first.meeting.report(report);
  await first.meeting.next();
  last.meeting.report(ok(1));
  expect([await first.meeting.next(), await last.meeting.next()]).toEqual([[], []]);
  expect(first.told).toEqual([report]);
});

test("nothing is begun where no time is left, or the table is away: the report goes on as it is", async () => {
  await using stores = await temporaryStores();
  const sum = fanIn(9, [0]);
  const late = executor(stores, [0], [sum], false);
  late.meeting.report(ok(0));
  expect([await late.meeting.next(), late.told]).toEqual([[], [ok(0)]]);
  const away = { ...stores, table: { addTo: () => Promise.reject(new Error("away")) } } as unknown as Stores;
  const alone = executor(away, [0], [sum]);
  alone.meeting.report(ok(0));
  expect([await alone.meeting.next(), alone.told]).toEqual([[], [ok(0)]]);
});
