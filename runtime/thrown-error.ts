import { inspect } from "node:util";
import { encodeToBytes } from "../sdk/wire/codec/codec.ts";
import type { ThrownError } from "../sdk/wire/outcome.ts";
import { withShortStacks } from "./short-stacks.ts";

/** Longest message that is sent along; a task may throw a whole page of HTML. */
const MAX_MESSAGE = 4_000;

/** Something that user code threw, in a form that crosses processes. Never throws, whatever it is. */
export function toThrownError(thrown: unknown): ThrownError {
  try {
    return describe(thrown instanceof Error ? thrown : new Error(textOf(thrown)));
  } catch {
    // A Proxy, or an error whose own properties throw.
    return { names: ["Error"], message: "the task threw something that cannot be looked at" };
  }
}

const textOf = (value: unknown) => (typeof value === "string" ? value : inspect(value));

function describe(error: Error): ThrownError {
  const names: string[] = [];
  if (error.name) names.push(textOf(error.name));
  for (let prototype = Object.getPrototypeOf(error); prototype; prototype = Object.getPrototypeOf(prototype)) {
    const name = (prototype.constructor as { name?: string } | undefined)?.name;
    if (name && name !== "Object" && !names.includes(name)) names.push(name);
  }
  const whole = textOf(error.message);
  const message = whole.length > MAX_MESSAGE ? `${whole.slice(0, MAX_MESSAGE)}…` : whole;
  try {
    return { names, message, encoded: withShortStacks(error, () => encodeToBytes(error)) };
  } catch {
    // Its cause cannot be encoded: the error itself still can.
    const copy = Object.assign(new Error(whole), { name: names[0], stack: error.stack });
    return { names, message, encoded: encodeToBytes(copy) };
  }
}
