import type { CodecExtension } from "./codec/extensions.ts";
import type { Slot } from "./slot.ts";

/** What tasks with several returns declare: how many, or their names. */
export type ReturnNames = number | readonly string[];

/** The stored form of a result with several returns: where each of them lies. */
export class StoredReturns {
  readonly slots: ReadonlyMap<string, Slot>;
  /** They are numbered, not named. */
  readonly isList: boolean;

  constructor(slots: ReadonlyMap<string, Slot>, isList: boolean) {
    this.slots = slots;
    this.isList = isList;
  }

  /** The result again, once the returns are loaded. */
  async whole(load: (slot: Slot) => Promise<unknown>): Promise<unknown> {
    const loaded = await Promise.all(
      [...this.slots].map(async ([name, slot]): Promise<[string, unknown]> => [name, await load(slot)]),
    );
    return this.isList ? loaded.map(([, value]) => value) : Object.fromEntries(loaded);
  }
}

interface Written {
  readonly isList: boolean;
  readonly slots: ReadonlyMap<string, Slot>;
}

/** How it is written. */
export const storedReturns: CodecExtension = {
  kind: "returns",
  match: (value) => value instanceof StoredReturns,
  lower: (value): Written => {
    const { isList, slots } = value as StoredReturns;
    return { isList, slots };
  },
  raise: (data) => {
    const { isList, slots } = data as Written;
    return new StoredReturns(slots, isList);
  },
};

/** The names of returns as they are declared; numbered ones by their positions. */
export const namesOfReturns = (returns: ReturnNames): readonly string[] =>
  typeof returns === "number" ? Array.from({ length: returns }, (_, index) => String(index)) : returns;

/**
 * What `run` returned, by the names of its returns.
 *
 * @returns The values in order, or what is wrong with them, in words.
 */
export function partReturns(result: unknown, returns: ReturnNames): readonly unknown[] | string {
  if (typeof returns === "number") {
    if (!Array.isArray(result))
      return `it declares ${returns} returns, so run must return an array, got ${kindOf(result)}`;
    if (result.length === returns) return result;
    return `it declares ${returns} returns, and run returned an array of ${result.length}`;
  }
  const names = returns.join(", ");
  if (typeof result !== "object" || result === null || Array.isArray(result)) {
    return `it declares the returns ${names}, so run must return an object with these, got ${kindOf(result)}`;
  }
  const missing = returns.filter((name) => !(name in result));
  if (missing.length > 0)
    return `it declares the returns ${names}, and run returned an object without ${missing.join(", ")}`;
  const extra = Object.keys(result).filter((name) => !returns.includes(name));
  if (extra.length > 0) return `it declares the returns ${names}, and run returned ${extra.join(", ")}, too`;
  return returns.map((name) => (result as Record<string, unknown>)[name]);
}

const kindOf = (value: unknown) =>
  value === null ? "null" : Array.isArray(value) ? "an array" : typeof value === "object" ? "an object" : typeof value;
