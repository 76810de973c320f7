import { slotsNamedIn } from "../sdk/stores/named-slots.ts";
import type { ResultRecord } from "../sdk/stores/result-items.ts";
import { type Committed, commitResult } from "../sdk/stores/results.ts";
import { encodeReturns, storeReturns } from "../sdk/stores/returns.ts";
import { storeResult } from "../sdk/stores/values.ts";
import type { AttemptSpec } from "../sdk/wire/attempt.ts";
import { storageOf } from "../sdk/wire/cache-options.ts";
import { encode, joinChunks } from "../sdk/wire/codec/codec.ts";
import type { CodecExtensions } from "../sdk/wire/codec/extensions.ts";
import type { Encoded } from "../sdk/wire/codec/frame.ts";
import { DEFINITION } from "../sdk/wire/definition.ts";
import { ownStorageObject, resultObject, resultObjectOfRun } from "../sdk/wire/keys.ts";
import { LabError } from "../sdk/wire/lab-error.ts";
import type { Failure } from "../sdk/wire/outcome.ts";
import { partReturns, type ReturnNames } from "../sdk/wire/returns.ts";
import type { Slot } from "../sdk/wire/slot.ts";
import { slotBytes } from "../sdk/wire/slot.ts";
import type { ExecutionEnvironment } from "./execution-environment.ts";

/** Results that nobody else needs are held in memory up to this size; larger ones are stored all the same. */
const MAX_HELD_BYTES = 64 * 2 ** 20;

/** A result, or each of several returns. */
export function encodeResult(
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
export function inlined(
  [encoded]: readonly Encoded[],
  returns: ReturnNames | undefined,
  { inlineBytes, definition }: ExecutionEnvironment,
): Slot | undefined {
  const isOwn = returns !== undefined || storageOf(definition[DEFINITION].cache) !== undefined;
  return isOwn || encoded.byteLength > inlineBytes ? undefined : { inline: joinChunks(encoded) };
}

/** Stores a result that is too large to travel, or is for a storage of its type's own. */
export async function store(
  encoded: readonly Encoded[],
  returns: ReturnNames | undefined,
  { key: taskKey, name, keepMs }: AttemptSpec,
  { stores: { objects }, inlineBytes: bytes, definition, runId }: ExecutionEnvironment,
): Promise<Slot> {
  const isOwn = storageOf(definition[DEFINITION].cache) !== undefined;
  // A storage of the type's own gets everything that is a value.
  const inlineBytes = isOwn ? 0 : bytes;
  const here = keepMs === 0 ? resultObjectOfRun(runId) : resultObject;
  const objectOf = isOwn ? ownStorageObject(name) : here;
  const whole =
    returns === undefined
      ? encoded[0]
      : await storeReturns(objects, encoded, returns, { taskKey, inlineBytes, objectOf });
  if (whole.byteLength <= inlineBytes) return { inline: joinChunks(whole) };
  return storeResult(objects, whole, taskKey, objectOf);
}

/** Whether a result is handed on without being stored: one value, that the lab's own storage would have. */
export function mayHold(
  { unstored }: AttemptSpec,
  bytes: number,
  { handed, definition }: ExecutionEnvironment,
): boolean {
  const { returns, cache } = definition[DEFINITION];
  if (!unstored || !handed || returns !== undefined || storageOf(cache) !== undefined) return false;
  return bytes <= MAX_HELD_BYTES;
}

/** Commits a result, and hands it on to the attempts behind it meanwhile. */
export function commit(
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
export function forgetTraces(
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
  // Without knowing what it names nothing is deleted.
  await slotsNamedIn(objects, result.record.value, extensions).then(
    (named) => lab.objects.leave(named.map(({ object }) => object)),
    () => {},
  );
}

/** What the driver is told of a result that is not stored: the value if it is small, else where it would lie. */
export function heldBack(value: Slot, { key }: AttemptSpec, { inlineBytes }: ExecutionEnvironment): Slot {
  const bytes = slotBytes(value);
  return bytes <= inlineBytes ? value : { object: resultObject(key, "unstored"), bytes, hash: "" };
}

/** The store could not be reached or refused: the attempt has to be made again. */
export function asStoreFailure(error: unknown): Omit<Failure, "usage"> {
  return {
    kind: "executor-lost",
    seen: `storing its result: ${error instanceof Error ? error.message : String(error)}`,
  };
}
