import { InvalidTaskError, LabError } from "./errors.ts";
import { partOf, producerOf, Task } from "./task.ts";
import { encode, encodeToBytes, joinChunks } from "./wire/codec/codec.ts";
import type { CodecExtension, CodecExtensions } from "./wire/codec/extensions.ts";
import { isContentObject } from "./wire/keys.ts";
import { ObjectRef } from "./wire/object-ref.ts";
import { objectReferences, taskReferences } from "./wire/references.ts";
import { valueExtensions } from "./wire/value-extensions.ts";

/** Params as they are part of the key, and as they travel: with what they share still shared. */
export interface EncodedParams {
  readonly params: Uint8Array;
  readonly travelling: Uint8Array;
  readonly objects: readonly string[];
}

const NONE: readonly never[] = [];

/** Encodes the params of tasks, one after another. */
export class ParamsEncoder {
  /** Of the task at hand: the objects that its params name, and whether its key is made of something else. */
  #objects: string[] | undefined;
  #travelsAnew = false;
  #keyOf: (dependency: Task<unknown>) => string = () => "";
  readonly #extensions: CodecExtensions = [
    taskReferences(
      (value) => value instanceof Task,
      (value) => {
        const asked = value as Task<unknown>;
        const part = partOf(asked);
        const whole = [this.#keyOf(producerOf(asked)), asked.name] as const;
        return part === undefined ? whole : [...whole, part];
      },
    ) as CodecExtension,
    ...valueExtensions(),
  ];
  // What a stream gave is stored under a name that was drawn, and what a task has put under that of the task: the
  // content alone makes two of them equal.
  readonly #byContent: CodecExtensions = [
    objectReferences(
      (value) => value instanceof ObjectRef,
      (value) => {
        const { slot } = value as ObjectRef<unknown>;
        const { by, file, like, ...content } = slot;
        this.#objects ??= [];
        this.#objects.push(slot.object);
        this.#travelsAnew ||= slot.raw !== undefined || by !== undefined || file !== undefined;
        if (like !== undefined) return { object: "", bytes: 0, hash: like };
        const isPut = slot.raw !== undefined || (by !== undefined && isContentObject(slot.object));
        return isPut ? { ...content, object: "" } : content;
      },
    ) as CodecExtension,
    ...this.#extensions,
  ];

  /** @param keyOf Of the tasks in its params. */
  encode(task: Task<unknown>, keyOf: (dependency: Task<unknown>) => string): EncodedParams {
    this.#objects = undefined;
    this.#travelsAnew = false;
    this.#keyOf = keyOf;
    try {
      const canonical = encode(task.params, { name: "params", extensions: this.#byContent, canonical: true });
      const params = joinChunks(canonical);
      const travelling =
        canonical.spread || this.#travelsAnew
          ? encodeToBytes(task.params, { name: "params", extensions: this.#extensions })
          : params;
      return { params, travelling, objects: this.#objects ?? NONE };
    } catch (error) {
      const reason = error instanceof LabError ? error.message : String(error);
      throw new InvalidTaskError("not-serializable", `task ${task.name}: ${reason}`, { cause: error });
    }
  }
}
