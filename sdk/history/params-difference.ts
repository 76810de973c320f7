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

/** Where params differ from earlier ones: `params.seed was 1, is 2`. */
export function paramsDifferences(earlier: unknown, now: unknown): string[] {
  const found: string[] = [];
  compare(earlier, now, "params", found);
  return found.length > MOST ? [...found.slice(0, MOST), `and ${found.length - MOST} more`] : found;
}

function compare(earlier: unknown, now: unknown, path: string, found: string[]): void {
  if (isDeepStrictEqual(earlier, now)) return;
  if (earlier instanceof Reference && now instanceof Reference && isSameKind(earlier, now)) {
    const what = { task: `another ${now.name}`, object: "another value", class: `another ${now.name}` }[now.kind];
    found.push(`${path} is ${what}${now.kind === "task" ? ": its own params or code are different" : ""}`);
    return;
  }
  const isBoth = (is: (value: unknown) => boolean) => is(earlier) && is(now);
  if (isBoth(Array.isArray) || isBoth((value) => value !== null && typeof value === "object" && isPlainObject(value))) {
    const [before, after] = [earlier, now] as Record<string, unknown>[];
    for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) {
      const inner = Array.isArray(now) ? `${path}[${key}]` : `${path}.${key}`;
      if (!(key in before)) found.push(`${inner} is new: ${shortly(after[key])}`);
      else if (!(key in after)) found.push(`${inner} was ${shortly(before[key])}, and is gone`);
      else compare(before[key], after[key], inner, found);
    }
    return;
  }
  found.push(`${path} was ${shortly(earlier)}, is ${shortly(now)}`);
}

const isSameKind = (a: Reference, b: Reference) => a.kind === b.kind && a.name === b.name;
