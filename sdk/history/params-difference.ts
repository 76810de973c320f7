import { inspect, isDeepStrictEqual } from "node:util";
import type { ObjectStore } from "../stores/object-store.ts";
import { loadValue } from "../stores/values.ts";
import { shownClasses } from "../wire/codec/classes.ts";
import type { CodecExtension } from "../wire/codec/extensions.ts";
import { isPlainObject } from "../wire/codec/shapes.ts";
import { madeObjectReferences, resolvedTasks } from "../wire/references.ts";
import type { Slot } from "../wire/slot.ts";

/** Differences that are told of one pair of params. */
const MOST = 8;

/** What stands in params for a task, a stored value or an instance of a class: enough to compare them. */
class Reference {
  readonly kind: "task" | "object" | "class";
  readonly name: string;
  /** What it is made of. */
  readonly content: unknown;

  constructor(kind: Reference["kind"], name: string, content: unknown) {
    this.kind = kind;
    this.name = name;
    this.content = content;
  }

  [inspect.custom](): string {
    return { task: `${this.name}(…)`, object: "ObjectRef", class: `${this.name} {…}` }[this.kind];
  }
}

const classes: CodecExtension = {
  ...shownClasses((name) => name),
  raise: (stored) => new Reference("class", String((stored as unknown[])[0]), stored),
};

/** Stored params as they can be compared and shown, wherever they come from. */
export const comparableParams = (objects: ObjectStore, slot: Slot): Promise<unknown> =>
  loadValue(objects, slot, [
    resolvedTasks((key, name, part) => new Reference("task", name, part === undefined ? key : `${key} ${part}`)),
    madeObjectReferences(({ hash }) => new Reference("object", "", hash)),
    classes,
  ]);

/** A value in a few words. */
export const shortly = (value: unknown): string => {
  const options = { depth: 1, breakLength: Number.POSITIVE_INFINITY, maxArrayLength: 3, maxStringLength: 40 };
  const text = inspect(value, options).replaceAll("\n", "\\n");
  return text.length > 60 ? `${text.slice(0, 59)}…` : text;
};

/** One place where params differ from earlier ones. */
export interface ParamsDifference {
  /** `params.models[2].seed`. */
  readonly path: string;
  /** `params.seed was 1, is 2`. */
  readonly text: string;
  /** Where it is a task of the same name as before: the keys of both. */
  readonly task?: { readonly name: string; readonly earlier: string; readonly now: string };
}

/** Where params differ from earlier ones. */
export function paramsDifferences(earlier: unknown, now: unknown): ParamsDifference[] {
  const found: ParamsDifference[] = [];
  compare(earlier, now, "params", found);
  if (found.length <= MOST) return found;
  return [...found.slice(0, MOST), { path: "params", text: `and ${found.length - MOST} more` }];
}

function compare(earlier: unknown, now: unknown, path: string, found: ParamsDifference[]): void {
  if (isDeepStrictEqual(earlier, now)) return;
  if (earlier instanceof Reference && now instanceof Reference && isSameKind(earlier, now)) {
    const { kind, name } = now;
    const what = { task: `another ${name}`, object: "another value", class: `another ${name}` }[kind];
    const text = `${path} is ${what}${kind === "task" ? ": its own params or code are different" : ""}`;
    const task = { name, earlier: String(earlier.content), now: String(now.content) };
    found.push({ path, text, ...(kind === "task" ? { task } : {}) });
    return;
  }
  const isBoth = (is: (value: unknown) => boolean) => is(earlier) && is(now);
  if (isBoth(Array.isArray) || isBoth((value) => value !== null && typeof value === "object" && isPlainObject(value))) {
    const [before, after] = [earlier, now] as Record<string, unknown>[];
    for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) {
      const inner = Array.isArray(now) ? `${path}[${key}]` : `${path}.${key}`;
      if (!(key in before)) found.push({ path: inner, text: `${inner} is new: ${shortly(after[key])}` });
      else if (!(key in after)) {
        found.push({ path: inner, text: `${inner} was ${shortly(before[key])}, and is gone` });
      } else compare(before[key], after[key], inner, found);
    }
    return;
  }
  found.push({ path, text: `${path} was ${shortly(earlier)}, is ${shortly(now)}` });
}

const isSameKind = (a: Reference, b: Reference) => a.kind === b.kind && a.name === b.name;
