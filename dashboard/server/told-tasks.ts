import { inspect } from "node:util";
import type { RunManifest } from "../../sdk/driver/manifest.ts";
import type { PlannedTask } from "../../sdk/planning.ts";
import { decode } from "../../sdk/wire/codec/codec.ts";
import { madeObjectReferences, resolvedTasks } from "../../sdk/wire/references.ts";
import type { Slot } from "../../sdk/wire/slot.ts";
import type { ToldChild, ToldTasks } from "../model/told-run.ts";
import { plainText } from "./plain-text.ts";

const MAX_PARAMS_LENGTH = 400;

/** The tasks of a manifest as the page is told them: params as text, what is alike once. */
export function toldTasks({ tasks, targets }: RunManifest): ToldTasks {
  const kinds = new Map<string, number>();
  let last: { readonly task: (typeof tasks)[number]; readonly kind: number } | undefined;
  const kind = tasks.map((task) => {
    const { name, version, demand, policy } = task;
    // Neighbours are mostly of one kind, and share what says so.
    if (last && isSameKind(last.task, task)) return last.kind;
    const text = JSON.stringify({ name, version, demand, policy });
    const known = kinds.get(text) ?? kinds.size;
    kinds.set(text, known);
    last = { task, kind: known };
    return known;
  });
  return {
    kinds: [...kinds.keys()].map((text) => JSON.parse(text)),
    kind,
    params: tasks.map(({ params }) => describeParams(params)),
    dependencies: tasks.map(({ dependencies }) => dependencies),
    targets,
  };
}

type Kind = Pick<RunManifest["tasks"][number], "name" | "version" | "demand" | "policy">;

const isSameKind = (one: Kind, other: Kind) =>
  one.name === other.name &&
  one.version === other.version &&
  one.demand === other.demand &&
  one.policy === other.policy;

/** A task that another one runs, as the page is told of it. */
export function toldChild(planned: PlannedTask): ToldChild {
  const { name, version, demand, policy, dependencies, params, storedParams } = planned;
  const kind = { name, version, demand, policy };
  return { kind, params: describeParams(storedParams ?? { inline: params }), dependencies };
}

const named = (what: string) => ({ [inspect.custom]: () => what });
const EXTENSIONS = [resolvedTasks((_key, name) => named(`${name}(…)`)), madeObjectReferences(() => named("ObjectRef"))];

/** Params in a line; the tasks in them by their names. Large ones are not fetched for it. */
function describeParams(slot: Slot): string {
  if (!("inline" in slot)) return `… ${slot.bytes.toLocaleString("en")} bytes in the object store`;
  try {
    const value = decode(slot.inline, EXTENSIONS);
    if (value === undefined) return "";
    const text =
      plainText(value) ??
      inspect(value, {
        depth: 4,
        breakLength: Number.POSITIVE_INFINITY,
        maxArrayLength: 10,
        maxStringLength: 100,
      });
    return text.length > MAX_PARAMS_LENGTH ? `${text.slice(0, MAX_PARAMS_LENGTH - 1)}…` : text;
  } catch (error) {
    return `… not readable: ${(error as Error).message}`;
  }
}
