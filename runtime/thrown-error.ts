import { encodeToBytes } from "../sdk/wire/codec/codec.ts";
import type { ThrownError } from "../sdk/wire/outcome.ts";

/** Longest message that is sent along; a task may throw a whole page of HTML. */
const MAX_MESSAGE = 4_000;

/** Something that user code threw, in a form that crosses processes. */
export function toThrownError(thrown: unknown): ThrownError {
  const error = thrown instanceof Error ? thrown : new Error(String(thrown));
  const names: string[] = [];
  if (error.name) names.push(error.name);
  for (let prototype = Object.getPrototypeOf(error); prototype; prototype = Object.getPrototypeOf(prototype)) {
    const name = (prototype.constructor as { name?: string } | undefined)?.name;
    if (name && name !== "Object" && !names.includes(name)) names.push(name);
  }
  const message = error.message.length > MAX_MESSAGE ? `${error.message.slice(0, MAX_MESSAGE)}…` : error.message;
  try {
    return { names, message, encoded: encodeToBytes(error) };
  } catch {
    // Its cause cannot be encoded: the error itself still can.
    const copy = Object.assign(new Error(error.message), { name: error.name, stack: error.stack });
    return { names, message, encoded: encodeToBytes(copy) };
  }
}
