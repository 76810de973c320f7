import type { TooSmall } from "../../sdk/core/sizing.ts";
import type { ObjectSlot } from "../../sdk/wire/slot.ts";
import type { Scenario, ScenarioTask } from "./scenario.ts";

/** A committed result, and what it was computed from. */
export interface StoredRecord {
  readonly generation: number;
  readonly value: ObjectSlot;
  /** Values of the dependencies, in their order. */
  readonly inputs: readonly string[];
}

/** What the control table and the object store hold, by position of the task. It outlives every driver. */
export class Storage {
  readonly records = new Map<number, StoredRecord>();
  /** Every record there ever was, by its value. */
  readonly past = new Map<string, StoredRecord>();
  /** Tasks with a result that was handed on and not stored. */
  readonly heldBack = new Set<number>();
  readonly sizing = new Map<string, readonly TooSmall[]>();
  readonly #lost = new Set<string>();
  /** What was brought of the inputs of each fan-in, by position. */
  readonly #fanIns = new Map<string, Map<number, ObjectSlot>>();

  /** With what is there from the beginning: results of cached tasks all of whose inputs are. */
  static of({ tasks }: Scenario): Storage {
    const storage = new Storage();
    tasks.forEach((task, position) => {
      const inputs = [...task.dependencies, ...task.children].map(
        (dependency) => storage.records.get(dependency)?.value.hash,
      );
      if (!task.cached || inputs.includes(undefined)) return;
      const known = inputs as string[];
      storage.commit(position, task, Storage.valueOf(task, known, 0), known, 0);
    });
    return storage;
  }

  /** What an execution gives: from its inputs and, for a fickle task, from which execution it is. */
  static valueOf({ id, fickle }: ScenarioTask, inputs: readonly string[], execution: number): string {
    return `${id}${fickle ? `.${execution}` : ""}(${fingerprint(inputs.join())})`;
  }

  /** Stores a result and commits it: the first writer of a generation wins, and all are given its record. */
  commit(task: number, { resultBytes }: ScenarioTask, value: string, inputs: readonly string[], generation: number) {
    // The object is there again, if it was lost before.
    this.#lost.delete(value);
    const existing = this.records.get(task);
    if (existing && existing.generation >= generation) return existing;
    const record = { generation, value: { object: value, bytes: resultBytes, hash: value }, inputs };
    this.records.set(task, record);
    this.past.set(value, record);
    return record;
  }

  /** A result that is handed on and not stored: only a small one, which the driver is told, can be had again. */
  holdBack(
    position: number,
    { resultBytes, inline }: ScenarioTask,
    value: string,
    inputs: readonly string[],
  ): ObjectSlot {
    this.heldBack.add(position);
    const slot = { object: value, bytes: resultBytes, hash: value };
    if (!this.past.has(value)) this.past.set(value, { generation: 0, value: slot, inputs });
    if (!inline) this.#lost.add(value);
    return slot;
  }

  /** Inputs of a fan-in are there. @returns All of them, if these were the last ones. */
  bring(
    name: string,
    needed: readonly number[],
    brought: ReadonlyMap<number, ObjectSlot>,
  ): ReadonlyMap<number, ObjectSlot> | undefined {
    const there = this.#fanIns.get(name) ?? new Map<number, ObjectSlot>();
    const [first] = brought.keys();
    if (there.has(first)) return undefined;
    for (const [position, value] of brought) there.set(position, value);
    this.#fanIns.set(name, there);
    return needed.every((position) => there.has(position)) ? there : undefined;
  }

  lose(value: string): void {
    this.#lost.add(value);
  }

  /** Whether what a task has put was there, and is lost. */
  isGone(position: number): boolean {
    const record = this.records.get(position);
    return record !== undefined && !this.has(record.value.hash);
  }

  has(value: string): boolean {
    return !this.#lost.has(value);
  }
}

/** Keeps values short, however deep the DAG. */
function fingerprint(text: string): string {
  let mixed = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) mixed = Math.imul(mixed ^ text.charCodeAt(index), 0x01000193);
  return (mixed >>> 0).toString(36);
}
