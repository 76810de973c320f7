import { describe, expect, test } from "vitest";
import { TaskState } from "../../sdk/core/task-table.ts";
import { EndedRuns } from "../../sdk/driver/ended-runs.ts";
import { InFlightBook } from "../../sdk/driver/in-flight.ts";
import { RunBook } from "../../sdk/driver/run-book.ts";
import { RunState } from "../../sdk/driver/run-state.ts";
import { newTaskEntry, type TaskEntry } from "../../sdk/driver/task-entry.ts";
import type { PlannedTask } from "../../sdk/planning.ts";

const MB = 2 ** 20;

/** A driver's books, and runs in them whose results take so much each. */
function books() {
  const book = new RunBook();
  const inFlight = new InFlightBook();
  const state: TaskState[] = [];
  const unwanted: number[] = [];
  const charged = new Set<number>();
  const ended = new EndedRuns({
    book,
    inFlight,
    scheduler: { tasks: { state, unwanted } } as never,
    bill: { mayCharge: (run) => charged.has(run) },
  });
  const begin = (megabytes: number, shared: readonly TaskEntry[] = []) => {
    const index = book.runs.length;
    const task = book.entries.length;
    const planned = { key: `key ${task}`, name: "made" } as PlannedTask;
    const value = { object: `results/${task}`, bytes: megabytes * MB, hash: "" };
    const entry = newTaskEntry({ planned, task, run: index, dependencies: [], generation: 0, value });
    book.entries[task] = entry;
    book.byKey.set(planned.key, entry);
    state[task] = TaskState.Done;
    const identity = { runId: `run ${index}`, name: undefined, tags: [], epoch: 1, generation: 0 };
    const run = new RunState(identity, index, [], [entry], [entry, ...shared]);
    book.runs[index] = run;
    return { run, entry };
  };
  const known = () => Object.keys(book.runs).map(Number);
  return { book, inFlight, state, unwanted, charged, ended, begin, known };
}

describe("of runs that have ended a driver", () => {
  test("keeps the latest, as far as they fit its memory", () => {
    const { book, ended, begin, known } = books();
    for (let each = 0; each < 5; each++) ended.add(begin(15).run);
    expect(known()).toEqual([3, 4]);
    expect(Object.keys(book.entries)).toEqual(["3", "4"]);
    expect([...book.byKey.keys()]).toEqual(["key 3", "key 4"]);
  });

  test("forgets even the last, where it is too large", () => {
    const { ended, begin, known } = books();
    ended.add(begin(40).run);
    expect(known()).toEqual([]);
  });

  test("keeps a key that a later task has taken over", () => {
    const { book, ended, begin } = books();
    const { run } = begin(40);
    const { entry: later } = begin(1);
    book.byKey.set("key 0", later);
    ended.add(run);
    expect(book.byKey.get("key 0")).toBe(later);
  });

  test("forgets nothing of a run that attempts of are in flight, that is charged, or whose tasks others share", () => {
    const { inFlight, charged, state, ended, begin, known } = books();
    const [running, paying, sharing, unsettled] = [begin(40), begin(40), begin(40), begin(40)];
    inFlight.add("1", {} as never, undefined, [running.entry.task], 0);
    charged.add(paying.run.index);
    const sharer = begin(1, [sharing.entry]);
    state[unsettled.entry.task] = TaskState.Running;
    for (const { run } of [running, paying, sharing, unsettled]) ended.add(run);
    expect(known()).toEqual([0, 1, 2, 3, 4]);
    inFlight.end("1", running.entry.task);
    charged.clear();
    state[unsettled.entry.task] = TaskState.Failed;
    ended.add(sharer.run);
    // Who shares is forgotten first; what it has shared goes with the next.
    expect(known()).toEqual([2]);
    ended.add(begin(0).run);
    expect(known()).toEqual([5]);
  });

  test("has nothing of what it has forgotten opened again", () => {
    const { state, unwanted, ended, begin } = books();
    const [forgotten, kept] = [begin(40), begin(1)];
    for (const { entry } of [forgotten, kept]) {
      state[entry.task] = TaskState.Failed;
      unwanted[entry.task] = 1;
    }
    ended.add(forgotten.run);
    ended.add(kept.run);
    expect(unwanted).toEqual([0, 1]);
  });

  test("forgets nothing while a run begins, which may share it", async () => {
    const { ended, begin, known } = books();
    await ended.whileBeginning(async () => ended.add(begin(40).run));
    expect(known()).toEqual([0]);
    ended.add(begin(0).run);
    expect(known()).toEqual([1]);
  });
});
