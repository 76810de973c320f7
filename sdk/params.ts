import type { Task } from "./task.ts";
import type { ObjectRef } from "./wire/object-ref.ts";

/** Kinds of values that are taken whole: no task can be inside them. */
type Whole =
  | string
  | number
  | bigint
  | boolean
  | null
  | undefined
  | Date
  | RegExp
  | Error
  | ArrayBufferLike
  | ArrayBufferView
  | ReadonlyMap<unknown, unknown>
  | ReadonlySet<unknown>
  | ObjectRef<unknown>;

/** Inside of `T`, with a task allowed at any depth of arrays and plain objects. */
type Inside<T> = T extends Whole
  ? never
  : T extends readonly unknown[]
    ? InsideArray<T>
    : T extends object
      ? { [K in keyof T]: Nested<T[K]> }
      : never;

/**
 * TypeScript maps the elements of an array at once, and would never end with a type whose arrays hold
 * itself, such as JSON's. Only tuples are mapped; arrays are written as such.
 */
type InsideArray<T extends readonly unknown[]> = T[number][] extends T
  ? T extends unknown[]
    ? Nested<T[number]>[]
    : readonly Nested<T[number]>[]
  : { [K in keyof T]: Nested<T[K]> };

type Nested<T> = T | Task<T> | Inside<T>;

/**
 * What a task definition accepts as params of type `P`: wherever a value is wanted, a task that
 * returns it will do. Directly in the params an {@link ObjectRef} will, too.
 */
export type Params<P> =
  | P
  | Task<P>
  | (P extends Whole ? never : P extends object ? { [K in keyof P]: Nested<P[K]> | ObjectRef<P[K]> } : never);
