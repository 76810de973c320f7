import { TaskState, type TaskTable } from "../core/task-table.ts";
import type { ObjectStore } from "../stores/object-store.ts";
import type { RunRecord } from "../stores/runs.ts";
import { loadBytes } from "../stores/values.ts";
import { isImported, type TaskDefinition } from "../task.ts";
import { unpack } from "../wire/codec/packed.ts";
import { DEFINITION } from "../wire/definition.ts";
import { RESULT_HASH_LENGTH, resultObjectsOfRun } from "../wire/keys.ts";
import type { Slot } from "../wire/slot.ts";
import type { RunBook } from "./run-book.ts";
import type { RunState } from "./run-state.ts";
import type { TaskEntry } from "./task-entry.ts";

interface LeftResultsOptions {
  readonly book: Pick<RunBook, "active" | "runOf">;
  readonly tasks: TaskTable;
  readonly objects: ObjectStore;
}

/** A result that nothing needs any more, and how the names of its objects begin. */
interface Left {
  readonly entry: TaskEntry;
  readonly prefix: string;
}

/**
 * Deletes what runs leave in the object store that is not cached (`cache: false`), once nothing refers to it: its run
 * has ended well, and whoever waited for a result has been given it. The records stay, for the clean-up: they cost
 * next to nothing, and tell what was there. A run that did not end well may be gone on with, and keeps everything.
 */
export class LeftResults {
  readonly #options: LeftResultsOptions;
  readonly #deleting = new Set<Promise<void>>();

  constructor(options: LeftResultsOptions) {
    this.#options = options;
  }

  /**
   * @param written Gives the run's record when that says how it has ended; undefined where that is for others to say.
   * @param isLoaded Whether what was asked for has been loaded here.
   */
  deleteAfter(run: RunState, written: Promise<RunRecord | undefined>, isLoaded: boolean): void {
    const end = async () => {
      const record = await written;
      // Labs that follow a run load what was asked for themselves, when they hear of it.
      if (record?.status === "ok") await this.#delete(this.#leftBy(run, isLoaded && !record.isFollowed));
    };
    // What cannot be deleted now is for the clean-up.
    const deleting = end().catch(() => {});
    this.#deleting.add(deleting);
    void deleting.finally(() => this.#deleting.delete(deleting));
  }

  /** Resolves when all is deleted that was to be. */
  async deleted(): Promise<void> {
    await Promise.all(this.#deleting);
  }

  #leftBy(run: RunState, withTargets: boolean): Left[] {
    const targets = new Set(run.targets);
    const left: Left[] = [];
    for (const entries of [run.entries, run.unneeded]) {
      for (const entry of entries) {
        const { keepMs, key } = entry.planned;
        if (keepMs !== 0 || !hasObjects(entry) || (!withTargets && targets.has(entry))) continue;
        if (this.#isNeeded(run, entry)) continue;
        left.push({ entry, prefix: resultObjectsOfRun(key, this.#options.book.runOf(entry).id) });
      }
    }
    return left;
  }

  /** Another run has it among its tasks, or a task that was left to the lab is computed from it. */
  #isNeeded(run: RunState, entry: TaskEntry): boolean {
    const { book, tasks } = this.#options;
    if (tasks.state[entry.task] !== TaskState.Done) return true;
    if (entry.uses > 1) for (const other of book.active) if (other !== run && other.entries.has(entry)) return true;
    let isNeeded = false;
    tasks.forEachDependent(entry.task, (dependent) => {
      isNeeded ||= !isSettled(tasks.state[dependent]);
    });
    return isNeeded;
  }

  async #delete(left: readonly Left[]): Promise<void> {
    const { objects } = this.#options;
    const names = left.flatMap(objectsNamedBy);
    const loading = left.filter(isListOfReturns).map((each) => returnsOf(each, objects).catch(() => []));
    for (const parts of await Promise.all(loading)) names.push(...parts);
    if (names.length > 0) await objects.deleteMany(names);
  }
}

const isSettled = (state: number) =>
  state === TaskState.Done || state === TaskState.Failed || state === TaskState.Skipped;

/** Whether a result may lie in objects: of several returns a small one says where they do. */
function hasObjects({ value, planned: { task } }: TaskEntry): boolean {
  if (!value) return false;
  return "object" in value || hasReturns(task.definition) || !isImported(task.definition);
}

const hasReturns = (definition: TaskDefinition<never, unknown>) => definition[DEFINITION].returns !== undefined;

/** The object that a result lies in, or those of its returns, as far as they are its run's own. */
function objectsNamedBy({ entry, prefix }: Left): string[] {
  const slot = entry.value as Slot;
  if ("inline" in slot) return namesIn(slot.inline, prefix);
  return slot.object.startsWith(prefix) ? [slot.object] : [];
}

/** What says where several returns lie is an object itself. */
const isListOfReturns = ({ entry: { planned, value } }: Left) =>
  hasReturns(planned.task.definition) && value !== undefined && "object" in value;

const returnsOf = async ({ entry, prefix }: Left, objects: ObjectStore) =>
  namesIn(await unpack(await loadBytes(objects, entry.value as Slot)), prefix);

/** Several returns say where each of them lies. */
function namesIn(bytes: Uint8Array, prefix: string): string[] {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const names: string[] = [];
  for (let at = text.indexOf(prefix); at >= 0; at = text.indexOf(prefix, at + 1)) {
    names.push(text.toString("latin1", at, at + prefix.length + RESULT_HASH_LENGTH));
  }
  return names;
}
