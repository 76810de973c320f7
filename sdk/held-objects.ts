import { namesInItem, namesInObject } from "./gc/names.ts";
import type { Item } from "./stores/control-table.ts";
import type { Stores } from "./stores/stores.ts";
import {
  CHECKPOINT_PREFIX,
  CHILD_FAILURES_PREFIX,
  CHRONICLE_PREFIX,
  CODE_PREFIX,
  HOLDER_PREFIX,
  INBOX_PREFIX,
  RESULT_PREFIX,
  RUN_PREFIX,
} from "./wire/keys.ts";
import { refuseNewer } from "./wire/version.ts";

/** Who holds an object. */
export interface ObjectHolder {
  /**
   * `result`, `params`: of a stored result. `run`: its record, or what is told of it. `handle`: of a lab that is there.
   * `pin`: see `lab.pin`. `task`: tasks were given it. `checkpoint`: of a task. `code`: what a code version is made of.
   * `message`: on its way to an executor. `object`: the value of another one names it.
   */
  readonly kind: "result" | "params" | "run" | "handle" | "pin" | "task" | "checkpoint" | "code" | "message" | "object";
  /** Task name, run id, lab id, code version, executor or object key. */
  readonly name: string;
  /** Run that computed the result, where it is one. */
  readonly run?: string;
}

/** An object of the store. */
export interface HeldObject {
  /** Its key, as in `ref.slot.object`. */
  readonly object: string;
  readonly bytes: number;
  /** When it was stored, or used again, as an ISO 8601 time. */
  readonly storedAt: string;
  /** None: `stratolab gc` removes it. */
  readonly holders: readonly ObjectHolder[];
}

const FOLDERS = ["results", "content", "checkpoints"] as const;

/** Every object of the stores with who holds it, largest first. Reads the whole control table. */
export async function heldObjects({ table, objects }: Stores): Promise<HeldObject[]> {
  const holders = new Map<string, ObjectHolder[]>();
  const note = (object: string, holder: ObjectHolder) => holders.set(object, [...(holders.get(object) ?? []), holder]);
  for await (const item of table.scan("")) {
    refuseNewer(`the item ${item.pk} ${item.sk}`, item.f);
    const named = new Set([...namesInItem(item)].filter(isObject));
    for (const object of named) {
      const holder = holderOf(item, object);
      if (holder) note(object, holder);
    }
  }
  const found: Omit<HeldObject, "holders">[] = [];
  for (const folder of FOLDERS) {
    for await (const { key, bytes, modifiedAtMs } of objects.list(`${folder}/`)) {
      found.push({ object: key, bytes, storedAt: new Date(modifiedAtMs).toISOString() });
    }
  }
  // What values name is read only where it could tell whose something is.
  const followed = new Set<string>();
  while (found.some(({ object }) => !holders.has(object))) {
    const fresh = found.filter(({ object }) => holders.has(object) && !followed.has(object));
    if (fresh.length === 0) break;
    for (const { object } of fresh) {
      followed.add(object);
      for (const name of new Set(await namesInObject(objects, object))) note(name, { kind: "object", name: object });
    }
  }
  return found
    .map((object) => ({ ...object, holders: holders.get(object.object) ?? [] }))
    .sort((a, b) => b.bytes - a.bytes || (a.object < b.object ? -1 : 1));
}

const isObject = (name: string) => FOLDERS.some((folder) => name.startsWith(`${folder}/`));

/** What is told of a run, large pages of it in objects. */
const IN_PAGES = [CHRONICLE_PREFIX, CHILD_FAILURES_PREFIX];

function holderOf(item: Item, object: string): ObjectHolder | undefined {
  const { pk, sk } = item;
  if (pk.startsWith(RESULT_PREFIX)) {
    const kind = item.po === object || (item.p instanceof Uint8Array && namesIn(item.p, object)) ? "params" : "result";
    return { kind, name: String(item.n), run: String(item.r) };
  }
  if (pk.startsWith(RUN_PREFIX)) return { kind: "run", name: sk };
  if (pk.startsWith(CHECKPOINT_PREFIX)) return { kind: "checkpoint", name: pk.slice(CHECKPOINT_PREFIX.length) };
  if (pk.startsWith(CODE_PREFIX)) return { kind: "code", name: pk.slice(CODE_PREFIX.length) };
  if (IN_PAGES.some((prefix) => pk.startsWith(prefix))) return { kind: "run", name: pk.slice(pk.lastIndexOf("#") + 1) };
  if (pk.startsWith(INBOX_PREFIX)) return { kind: "message", name: pk.slice(INBOX_PREFIX.length) };
  if (!pk.startsWith(HOLDER_PREFIX)) return undefined;
  if (sk === "pin") return { kind: "pin", name: "pin" };
  // That tasks were given it is said by their results, as long as there are some.
  return sk.startsWith("lab:") ? { kind: "handle", name: sk.slice("lab:".length) } : undefined;
}

const namesIn = (bytes: Uint8Array, object: string) => Buffer.from(bytes).includes(object);
