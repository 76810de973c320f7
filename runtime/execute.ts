import { fingerprintOfInputs } from "../sdk/stores/inputs-fingerprint.ts";
import type { ObjectStore } from "../sdk/stores/object-store.ts";
import { loadObject } from "../sdk/stores/objects.ts";
import type { ResultRecord } from "../sdk/stores/result-items.ts";
import { type Committed, commitResult } from "../sdk/stores/results.ts";
import { encodeReturns, slotOfReturn, storeReturns } from "../sdk/stores/returns.ts";
import type { Stores } from "../sdk/stores/stores.ts";
import { loadStored, loadValue, storeResult, valueInHand } from "../sdk/stores/values.ts";
import type { AttemptSpec } from "../sdk/wire/attempt.ts";
import { storageOf } from "../sdk/wire/cache-options.ts";
import { codecsOf, isUnregisteredClass } from "../sdk/wire/codec/classes.ts";
import { encode, joinChunks } from "../sdk/wire/codec/codec.ts";
import { CodecError } from "../sdk/wire/codec/codec-error.ts";
import type { CodecExtension, CodecExtensions } from "../sdk/wire/codec/extensions.ts";
import type { Encoded } from "../sdk/wire/codec/frame.ts";
import { DEFINITION, type RunnableDefinition, type TaskLog } from "../sdk/wire/definition.ts";
import { ownStorageObject, resultObject } from "../sdk/wire/keys.ts";
import { LabError } from "../sdk/wire/lab-error.ts";
import { lostIn, ObjectLostError } from "../sdk/wire/object-lost-error.ts";
import { ObjectRef } from "../sdk/wire/object-ref.ts";
import type { Failure, Outcome, PassedOver, Usage } from "../sdk/wire/outcome.ts";
import { madeObjectReferences, resolvedTasks } from "../sdk/wire/references.ts";
import { partReturns, type ReturnNames, StoredReturns } from "../sdk/wire/returns.ts";
import type { Slot } from "../sdk/wire/slot.ts";
import { slotBytes } from "../sdk/wire/slot.ts";
import { withinTrace } from "../sdk/wire/tracing.ts";
import { valueExtensions } from "../sdk/wire/value-extensions.ts";
import type { AttemptLab } from "./attempt-lab.ts";
import type { AttemptCheckpoint } from "./checkpoint.ts";
import { processCpuMs } from "./cpu-time.ts";
import type { HandedResults } from "./handed-results.ts";
import { taskContext } from "./task-context.ts";
import { toThrownError } from "./thrown-error.ts";

/** What an attempt is executed with. */
export interface ExecutionEnvironment {
  readonly stores: Stores;
  readonly definition: RunnableDefinition;
  readonly runId: string;
  readonly namespace: string;
  /** The lab's context, decoded. */
  readonly context: unknown;
  readonly signal: AbortSignal;
  readonly log: TaskLog;
  readonly checkpoint: AttemptCheckpoint;
  readonly lab: AttemptLab;
  /** Results up to this many encoded bytes stay in the message and the control table. */
  readonly inlineBytes: number;
  /** Its result is written in a pack by whoever is told of the outcome. Default it commits it itself. */
  readonly isPacked?: boolean;
  /** What attempts of its assignment hand on to each other, where they do. */
  readonly handed?: HandedResults | undefined;
  /** Highest memory since the attempt began, in MB. */
  peakMemoryMb(): number;
  /** The task's own code is about to run. */
  begin?(): void;
  /** The task's own code has ended; what is left is to store its result. */
  ran?(): void;
}

/** Results that nobody else needs are held in memory up to this size; larger ones are stored all the same. */
const MAX_HELD_BYTES = 64 * 2 ** 20;
/** Stands for the result of an attempt that has waited too long. */
const SUSPENDED = Symbol("suspended");

/**
 * Executes one attempt: loads its inputs, runs the task, stores the result and commits it. The same
 * in a local process, in Lambda and in a container. Never throws: whatever happens is an outcome.
 */
export async function execute(ordered: AttemptSpec, environment: ExecutionEnvironment): Promise<Outcome> {
  const handing = ordered.handed ? withHanded(ordered, ordered.handed, environment.handed) : ordered;
  const spec = handing instanceof Promise ? await handing : handing;
  if (!spec) return passedOver("an attempt before it in its assignment has not handed its result on");
  const clock = new StageClock();
  let bytesIn = 0;
  let bytesOut = 0;
  const usage = (): Usage => clock.usage(bytesIn, bytesOut, environment.peakMemoryMb());
  const fail = (failure: Omit<Failure, "usage">): Failure => ({ ...failure, usage: usage() });

  const extensions = valueExtensions(codecsOf(environment.definition));
  let params: unknown;
  try {
    const loaded = paramsInHand(spec, extensions) ?? (await loadParams(spec, environment, extensions));
    params = loaded.params;
    bytesIn = loaded.bytes;
  } catch (error) {
    return fail(asLoadFailure(error));
  }
  clock.next();

  let result: unknown;
  try {
    const { lab } = environment;
    environment.begin?.();
    const ctx = taskContext(spec, environment, lab.objects);
    const running = withinTrace(spec.trace, () => environment.definition[DEFINITION].run(params, ctx));
    if (isThenable(running)) {
      result = await (lab.suspended ? Promise.race([running, lab.suspended.then(() => SUSPENDED)]) : running);
    } else result = running;
    // What is left of its code is told to end; nobody hears how it does.
    if (result === SUSPENDED) Promise.resolve(running).catch(() => {});
  } catch (thrown) {
    const lost = lostIn(thrown);
    if (lost) return fail(asLoadFailure(lost));
    const error = toThrownError(thrown);
    return fail({ kind: "user-error", seen: `${error.names[0]}: ${error.message}`, error });
  } finally {
    environment.lab.close();
    environment.ran?.();
  }
  if (result === SUSPENDED) return { kind: "suspended", usage: usage() };
  clock.next();

  const { returns } = environment.definition[DEFINITION];
  const { objects } = environment.lab;
  const named = new Set<string>();
  let encoded: readonly Encoded[];
  try {
    encoded = encodeResult(result, returns, objects.hasPut ? objects.noting(named) : extensions);
  } catch (thrown) {
    const error = toThrownError(thrown);
    return fail({ kind: "user-error", seen: error.message, error });
  }
  try {
    bytesOut = encoded.reduce((sum, { byteLength }) => sum + byteLength, 0);
    const isUnstored = mayHold(spec, bytesOut, environment);
    const value = isUnstored
      ? { inline: joinChunks(encoded[0]) }
      : (inlined(encoded, returns, environment) ?? (await store(encoded, returns, spec, environment)));
    const result = {
      key: spec.key,
      namespace: environment.namespace,
      name: spec.name,
      version: spec.version,
      generation: spec.generation,
      keepMs: spec.keepMs,
      value,
      params: spec.params,
      runId: environment.runId,
      attempt: spec.attempt,
      endedAt: Date.now(),
      durationMs: clock.runMs,
      peakMemoryMb: environment.peakMemoryMb(),
      // Where nobody is asked before a pack is written, it has to be seen what results were computed from.
      inputs: environment.stores.table.packs && fingerprintOfInputs(spec.inputs),
    };
    const { isPacked } = environment;
    // Outcomes of those that are packed follow each other as they commit: nothing may come in between.
    if (isPacked) await forgetTraces({ named }, environment, extensions);
    const committing = commit(result, isUnstored, spec, environment);
    const committed = committing instanceof Promise ? await committing : committing;
    if (!committed) return { ...passedOver("a result that it was handed is not the one that counts"), usage: usage() };
    const forgetting = isPacked
      ? undefined
      : forgetTraces(committed.own ? { named } : committed, environment, extensions);
    if (forgetting) await forgetting;
    if (!committed.record)
      return { kind: "ok", value: heldBack(value, spec, environment), usage: usage(), unstored: true };
    return {
      kind: "ok",
      value: committed.record.value,
      usage: usage(),
      ...(environment.isPacked && result.inputs ? { inputs: result.inputs } : {}),
      ...(committed.own ? {} : { superseded: true }),
    };
  } catch (error) {
    return fail(asStoreFailure(error));
  }
}

const isThenable = (value: unknown): value is PromiseLike<unknown> =>
  typeof (value as PromiseLike<unknown> | null | undefined)?.then === "function";

const passedOver = (seen: string): PassedOver => ({ kind: "passed-over", seen });

/** With the inputs that attempts before it hand on; undefined where one of them has not come about. */
function withHanded(
  spec: AttemptSpec,
  keys: readonly string[],
  handed: HandedResults | undefined,
): AttemptSpec | undefined | Promise<AttemptSpec | undefined> {
  const withInputs = (taken: Readonly<Record<string, Slot>> | undefined) =>
    taken && { ...spec, inputs: { ...spec.inputs, ...taken } };
  const taken = handed?.take(keys);
  return taken instanceof Promise ? taken.then(withInputs) : withInputs(taken);
}

/** Whether a result is handed on without being stored: one value, that the lab's own storage would have. */
function mayHold({ unstored }: AttemptSpec, bytes: number, { handed, definition }: ExecutionEnvironment): boolean {
  const { returns, cache } = definition[DEFINITION];
  if (!unstored || !handed || returns !== undefined || storageOf(cache) !== undefined) return false;
  return bytes <= MAX_HELD_BYTES;
}

/** Commits a result, and hands it on to the attempts behind it meanwhile. */
function commit(
  result: ResultRecord,
  isUnstored: boolean,
  spec: AttemptSpec,
  { handed, inlineBytes, isPacked, stores: { table, keptResults } }: ExecutionEnvironment,
): Promise<Committed | undefined> | Committed {
  handed?.give(spec.key, result.value, isUnstored && slotBytes(result.value) > inlineBytes);
  const own = { record: isUnstored ? undefined : result, own: true };
  // Whoever hears of it keeps it.
  if (keptResults) return own;
  if (!handed) return isPacked ? own : commitResult(table, result);
  if (isPacked) return handed.commit(table, spec, undefined).then((inTurn) => inTurn && own);
  return handed.commit(table, spec, isUnstored ? undefined : result);
}

/** The task has its result: what it has saved and put on its way goes. */
function forgetTraces(
  result: Parameters<typeof leave>[0],
  environment: ExecutionEnvironment,
  extensions: CodecExtensions,
): Promise<void> | undefined {
  const { checkpoint, lab } = environment;
  const forgotten = checkpoint.done();
  if (!lab.objects.hasPut) return forgotten;
  return Promise.resolve(forgotten).then(() => leave(result, environment, extensions));
}

/** Deletes what the attempt has put and the result that counts does not name: its own, or that of another attempt. */
async function leave(
  result: { readonly named: ReadonlySet<string> } | Committed,
  { lab, stores: { objects } }: ExecutionEnvironment,
  extensions: CodecExtensions,
): Promise<void> {
  if ("named" in result) return lab.objects.leave(result.named);
  if (!result.record) return;
  const named = new Set<string>();
  const noted = madeObjectReferences((slot) => {
    named.add(slot.object);
    return new ObjectRef(slot);
  });
  const read = loadValue(objects, result.record.value, [noted as CodecExtension, ...extensions]);
  // Without knowing what it names nothing is deleted.
  await read.then(
    () => lab.objects.leave(named),
    () => {},
  );
}

/** What the driver is told of a result that is not stored: the value if it is small, else where it would lie. */
function heldBack(value: Slot, { key }: AttemptSpec, { inlineBytes }: ExecutionEnvironment): Slot {
  const bytes = slotBytes(value);
  return bytes <= inlineBytes ? value : { object: resultObject(key, "unstored"), bytes, hash: "" };
}

/** Params of a task for which nothing has to be fetched: what fails here shows once more where it is answered. */
function paramsInHand({ params: slot, inputs }: AttemptSpec, extensions: CodecExtensions) {
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

async function loadParams(spec: AttemptSpec, environment: ExecutionEnvironment, extensions: CodecExtensions) {
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
  const resolved = await withRefsResolved(params, objects, extensions);
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
async function withRefsResolved(params: unknown, objects: ObjectStore, extensions: CodecExtensions) {
  const refs = refsIn(params);
  if (refs.length === 0) return { params, bytes: 0 };
  const values = await Promise.all(
    refs.map(async ([name, { slot }]) => [name, await loadObject(objects, slot, extensions)] as const),
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

/** A result, or each of several returns. */
function encodeResult(
  result: unknown,
  returns: ReturnNames | undefined,
  extensions: CodecExtensions,
): readonly Encoded[] {
  if (returns === undefined) return [encode(result, { name: "result", extensions })];
  const values = partReturns(result, returns);
  if (typeof values === "string") throw new LabError("wrong-returns", values);
  return encodeReturns(values, returns, extensions);
}

/** A result that travels with its outcome. */
function inlined(
  [encoded]: readonly Encoded[],
  returns: ReturnNames | undefined,
  { inlineBytes, definition }: ExecutionEnvironment,
): Slot | undefined {
  const isOwn = returns !== undefined || storageOf(definition[DEFINITION].cache) !== undefined;
  return isOwn || encoded.byteLength > inlineBytes ? undefined : { inline: joinChunks(encoded) };
}

async function store(
  encoded: readonly Encoded[],
  returns: ReturnNames | undefined,
  { key: taskKey, name }: AttemptSpec,
  { stores: { objects }, inlineBytes: bytes, definition }: ExecutionEnvironment,
): Promise<Slot> {
  const isOwn = storageOf(definition[DEFINITION].cache) !== undefined;
  // A storage of the type's own gets everything that is a value.
  const inlineBytes = isOwn ? 0 : bytes;
  const objectOf = isOwn ? ownStorageObject(name) : resultObject;
  const whole =
    returns === undefined
      ? encoded[0]
      : await storeReturns(objects, encoded, returns, { taskKey, inlineBytes, objectOf });
  if (whole.byteLength <= inlineBytes) return { inline: joinChunks(whole) };
  return storeResult(objects, whole, taskKey, objectOf);
}

function asLoadFailure(error: unknown): Omit<Failure, "usage"> {
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

/** The store could not be reached or refused: the attempt has to be made again. */
function asStoreFailure(error: unknown): Omit<Failure, "usage"> {
  return {
    kind: "executor-lost",
    seen: `storing its result: ${error instanceof Error ? error.message : String(error)}`,
  };
}

/** Times the stages of an attempt: load, run, store. */
class StageClock {
  readonly #startedAt = Date.now();
  readonly #cpuMs = processCpuMs();
  readonly #marks = [performance.now()];

  next(): void {
    this.#marks.push(performance.now());
  }

  #stage(index: number): number {
    const start = this.#marks[index];
    if (start === undefined) return 0;
    return (this.#marks[index + 1] ?? performance.now()) - start;
  }

  get runMs(): number {
    return this.#stage(1);
  }

  usage(bytesIn: number, bytesOut: number, peakMemoryMb: number): Usage {
    return {
      startedAt: this.#startedAt,
      endedAt: Date.now(),
      loadMs: this.#stage(0),
      runMs: this.#stage(1),
      storeMs: this.#stage(2),
      cpuMs: processCpuMs() - this.#cpuMs,
      peakMemoryMb,
      bytesIn,
      bytesOut,
    };
  }
}
