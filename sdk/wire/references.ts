import type { CodecExtension } from "./codec/extensions.ts";
import type { ObjectSlot } from "./slot.ts";

/** Kind under which a task inside encoded params stands: by its cache key. */
const TASK_KIND = "task";

/** What stands for a task: its cache key and its name; for one of its returns that one's name, too. */
export type TaskReference = readonly [key: string, name: string, part?: string];

/** Encodes tasks as references. Both functions come from whoever knows tasks. */
export const taskReferences = (
  isTask: (value: object) => boolean,
  referenceTo: (task: object) => TaskReference,
): CodecExtension<object, TaskReference> => ({
  kind: TASK_KIND,
  match: isTask,
  lower: referenceTo,
  raise: () => {
    throw new Error("a task reference can only be resolved where its result is");
  },
});

/** Decodes task references as what `resolve` gives for them: results, or tasks again. */
export const resolvedTasks = (
  resolve: (key: string, name: string, part?: string) => unknown,
): CodecExtension<unknown, TaskReference> => ({
  kind: TASK_KIND,
  match: () => false,
  lower: () => ["", ""],
  raise: ([key, name, part]) => resolve(key, name, part),
});

const OBJECT_KIND = "object-ref";

/** Encodes object refs as where their values lie. */
export const objectReferences = (
  isRef: (value: object) => boolean,
  slotOf: (ref: object) => ObjectSlot,
): CodecExtension<object, ObjectSlot> => ({
  kind: OBJECT_KIND,
  match: isRef,
  lower: (ref) => ({ ...slotOf(ref) }),
  raise: () => {
    throw new Error("an object reference can only be made by whoever knows its class");
  },
});

/** Decodes object references with whatever makes a handle. */
export const madeObjectReferences = (make: (slot: ObjectSlot) => unknown): CodecExtension<unknown, ObjectSlot> => ({
  kind: OBJECT_KIND,
  match: () => false,
  lower: () => ({ object: "", bytes: 0, hash: "" }),
  raise: make,
});
