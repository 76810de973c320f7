import { InvalidTaskError } from "./errors.ts";
import type { Task } from "./task.ts";
import { namesOfReturns, type ReturnNames } from "./wire/returns.ts";

/** What `run` has to return where a task declares several returns. */
export type Returned<N extends ReturnNames> = N extends readonly string[]
  ? { readonly [K in N[number]]: unknown }
  : readonly [] | readonly unknown[];

/**
 * The returns of a task, each for itself: wherever its value is wanted, it will do, and the others are not loaded.
 *
 * @typeParam R What the task returns as a whole.
 * @typeParam N How many, or their names.
 */
export type ReturnsOf<R, N extends ReturnNames> = N extends readonly string[]
  ? { readonly [K in N[number]]: Task<K extends keyof R ? R[K] : unknown> }
  : R extends readonly unknown[]
    ? { readonly [K in keyof R]: Task<R[K]> }
    : readonly Task<unknown>[];

const MOST_RETURNS = 1_000;
const NAME = /^[A-Za-z_$][\w$]{0,99}$/;

/** @throws InvalidTaskError for what is neither a number of returns nor a list of their names. */
export function checkReturns(task: string, returns: ReturnNames): void {
  const wrong = wrongIn(returns);
  if (wrong === undefined) return;
  throw new InvalidTaskError(
    "invalid-task",
    `task ${task}: returns must be a whole number from 1 to ${MOST_RETURNS}, or as many different names such as ["train", "test"], got ${wrong}`,
  );
}

function wrongIn(returns: ReturnNames): string | undefined {
  const isMany = (count: number) => Number.isInteger(count) && count >= 1 && count <= MOST_RETURNS;
  if (typeof returns === "number") return isMany(returns) ? undefined : String(returns);
  if (!Array.isArray(returns)) return typeof returns;
  if (!isMany(returns.length)) return `${returns.length} names`;
  if (new Set(returns).size < returns.length) return JSON.stringify(returns);
  const unfit = returns.find((name) => typeof name !== "string" || !NAME.test(name) || name === "__proto__");
  return unfit === undefined ? undefined : JSON.stringify(unfit);
}

/** The returns of a task by name, or in order, made by `make`. */
export function returnsBy<T>(
  returns: ReturnNames,
  make: (name: string) => T,
): readonly T[] | Readonly<Record<string, T>> {
  const made = namesOfReturns(returns).map((name) => [name, make(name)] as const);
  return Object.freeze(typeof returns === "number" ? made.map(([, each]) => each) : Object.fromEntries(made));
}
