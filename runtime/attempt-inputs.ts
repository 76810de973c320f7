import { loadObject } from "../sdk/stores/objects.ts";
import { slotOfReturn } from "../sdk/stores/returns.ts";
import { loadStored, loadValue, valueInHand } from "../sdk/stores/values.ts";
import type { AttemptSpec } from "../sdk/wire/attempt.ts";
import { isUnregisteredClass } from "../sdk/wire/codec/classes.ts";
import { CodecError } from "../sdk/wire/codec/codec-error.ts";
import type { CodecExtensions } from "../sdk/wire/codec/extensions.ts";
import { ObjectLostError } from "../sdk/wire/object-lost-error.ts";
import { ObjectRef } from "../sdk/wire/object-ref.ts";
import type { Failure } from "../sdk/wire/outcome.ts";
import { resolvedTasks } from "../sdk/wire/references.ts";
import { StoredReturns } from "../sdk/wire/returns.ts";
import type { Slot } from "../sdk/wire/slot.ts";
import { slotBytes } from "../sdk/wire/slot.ts";
import type { ExecutionEnvironment } from "./execution-environment.ts";
import type { HandedResults } from "./handed-results.ts";

/** With the inputs that attempts before it hand on; undefined where one of them has not come about. */
export function withHanded(
  spec: AttemptSpec,
  keys: readonly string[],
  handed: HandedResults | undefined,
): AttemptSpec | undefined | Promise<AttemptSpec | undefined> {
  // Without a prototype: V8 keeps the shape of other objects by their names, and these are new in each attempt.
  const withInputs = (taken: Readonly<Record<string, Slot>> | undefined) =>
    taken && { ...spec, inputs: Object.assign(Object.create(null), spec.inputs, taken) as typeof taken };
  const taken = handed?.take(keys);
  return taken instanceof Promise ? taken.then(withInputs) : withInputs(taken);
}

/** Params of a task for which nothing has to be fetched: what fails here shows once more where it is answered. */
export function paramsInHand({ params: slot, inputs }: AttemptSpec, extensions: CodecExtensions) {
  let bytes = slotBytes(slot);
  try {
    const results = new Map<string, unknown>();
    for (const key in inputs) {
      const found = valueInHand(inputs[key], extensions);
      if (!found) return undefined;
      bytes += slotBytes(inputs[key]);
      results.set(key, found.value);
    }
    const resolved = results.size === 0 ? extensions : [resolvedTasks(wholeOf(results)), ...extensions];
    const found = valueInHand(slot, resolved);
    return found && refsIn(found.value).length === 0 ? { params: found.value, bytes } : undefined;
  } catch {
    return undefined;
  }
}

/** Results by their keys, where none of several returns is asked for by itself. */
const wholeOf = (results: ReadonlyMap<string, unknown>) => (key: string, name: string, part?: string) => {
  if (part !== undefined) throw new CodecError(`only one return of ${name} is asked for`);
  return results.get(key);
};

/** Loads the params of a task, with all that they name directly. */
export async function loadParams(spec: AttemptSpec, environment: ExecutionEnvironment, extensions: CodecExtensions) {
  const { objects } = environment.stores;
  let bytes = slotBytes(spec.params);
  const inputs = new Map<string, unknown>();
  await Promise.all(
    Object.entries(spec.inputs).map(async ([key, slot]) => {
      bytes += slotBytes(slot);
      inputs.set(key, await loadInput(key, () => loadStored(objects, slot, extensions)));
    }),
  );
  const resolve = await resolveReturns(spec, inputs, environment, extensions);
  const params = await loadValue(objects, spec.params, [resolvedTasks(resolve.resultOf), ...extensions]);
  const resolved = await withRefsResolved(params, environment, extensions);
  return { params: resolved.params, bytes: bytes + resolve.bytes + resolved.bytes };
}

/** Of inputs with several returns, those are loaded that the params name. */
async function resolveReturns(
  spec: AttemptSpec,
  inputs: ReadonlyMap<string, unknown>,
  { stores: { objects } }: ExecutionEnvironment,
  extensions: CodecExtensions,
) {
  let bytes = 0;
  const named = new Map<string, { readonly key: string; readonly part: string | undefined }>();
  const nameOf = (key: string, part?: string) => (part === undefined ? key : `${key} ${part}`);
  const isSplit = [...inputs.values()].some((input) => input instanceof StoredReturns);
  if (isSplit) {
    const collecting = resolvedTasks((key, _name, part) => void named.set(nameOf(key, part), { key, part }));
    await loadValue(objects, spec.params, [collecting, ...extensions]);
  }
  const values = new Map<string, unknown>();
  await Promise.all(
    [...named].map(async ([name, { key, part }]) => {
      const input = inputs.get(key);
      const load = async () => {
        if (part === undefined && !(input instanceof StoredReturns)) return input;
        const whole = input as StoredReturns;
        const slots = part === undefined ? whole.slots.values() : [slotOfReturn(input, part, spec.inputs[key])];
        for (const slot of slots) bytes += slotBytes(slot);
        const loadOne = (slot: Slot) => loadStored(objects, slot, extensions);
        return part === undefined ? whole.whole(loadOne) : loadOne(slotOfReturn(input, part, spec.inputs[key]));
      };
      values.set(name, await loadInput(key, load));
    }),
  );
  const resultOf = (key: string, _name: string, part?: string) =>
    isSplit ? values.get(nameOf(key, part)) : inputs.get(key);
  return { resultOf, bytes };
}

/** A lost input, and which task it is the result of. */
class LostInput extends Error {
  readonly key: string;

  constructor(key: string, cause: ObjectLostError | CodecError) {
    super(cause.message, { cause });
    this.key = key;
  }
}

async function loadInput<T>(key: string, load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (error) {
    // What cannot be read, by an older codec's version for one, is as good as gone.
    if (error instanceof ObjectLostError || error instanceof CodecError) throw new LostInput(key, error);
    throw error;
  }
}

/** An object ref directly in the params arrives as its value; deeper ones arrive as they are. */
async function withRefsResolved(
  params: unknown,
  { lab, stores: { objects } }: ExecutionEnvironment,
  extensions: CodecExtensions,
) {
  const refs = refsIn(params);
  if (refs.length === 0) return { params, bytes: 0 };
  const values = await Promise.all(
    refs.map(async ([name, ref]) => {
      const { slot } = await lab.objects.now(ref);
      return [name, await loadObject(objects, slot, extensions)] as const;
    }),
  );
  const bytes = refs.reduce((sum, [, { slot }]) => sum + slot.bytes, 0);
  return { params: { ...(params as object), ...Object.fromEntries(values) }, bytes };
}

/** Object refs directly in the params, by name. */
function refsIn(params: unknown): [name: string, ref: ObjectRef<unknown>][] {
  const refs: [string, ObjectRef<unknown>][] = [];
  if (typeof params !== "object" || params === null || Array.isArray(params)) return refs;
  for (const name of Object.keys(params)) {
    const value: unknown = (params as Record<string, unknown>)[name];
    if (value instanceof ObjectRef) refs.push([name, value]);
  }
  return refs;
}

/** What it means for an attempt that its inputs cannot be loaded. */
export function asLoadFailure(error: unknown): Omit<Failure, "usage"> {
  const seen = `loading its inputs: ${error instanceof Error ? error.message : String(error)}`;
  if (error instanceof LostInput) return { kind: "object-lost", seen, lostInputs: [error.key] };
  if (error instanceof ObjectLostError) {
    const { producer } = error;
    return {
      kind: "object-lost",
      seen,
      lostInputs: [],
      ...(producer === undefined ? {} : { lostProducers: [producer] }),
    };
  }
  return { kind: isUnregisteredClass(error) ? "user-error" : "executor-lost", seen };
}
