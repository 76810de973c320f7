import { joinChunks } from "../wire/codec/codec.ts";
import type { Encoded } from "../wire/codec/frame.ts";
import { checkpointKey, checkpointObject } from "../wire/keys.ts";
import { PROTOCOL_VERSION } from "../wire/protocol.ts";
import type { Slot } from "../wire/slot.ts";
import { refuseNewer } from "../wire/version.ts";
import type { ControlTable, Item } from "./control-table.ts";
import { slotAttributes, slotOf } from "./slot-attributes.ts";
import type { Stores } from "./stores.ts";
import { storeValue } from "./values.ts";

/** How long a state is kept that nobody came back for, in seconds. */
const KEPT_SECONDS = 30 * 24 * 3600;

/** Which attempt saves: one of a later run counts more, and in a run one of a higher number. */
export interface Saver {
  /** When its run began, in milliseconds since the epoch. */
  readonly runStartedAt: number;
  readonly attempt: number;
}

/** Orders savers as one number; a run has fewer than a thousand attempts of a task. */
const rank = ({ runStartedAt, attempt }: Saver): number => runStartedAt * 1_000 + Math.min(attempt, 999);

/**
 * Keeps a task's state in the place of an earlier one. A state of a later attempt stays: an attempt that
 * was given up may still be running somewhere.
 *
 * @returns False when a later attempt has saved already.
 */
export async function saveCheckpoint(
  { table, objects }: Stores,
  taskKey: string,
  saver: Saver,
  encoded: Encoded,
  inlineBytes: number,
): Promise<boolean> {
  const before = await table.get(checkpointKey(taskKey));
  if (before) refuseNewer(`the checkpoint ${before.pk}`, before.f);
  const slot = await store();
  const written = await table.putIf(
    {
      ...checkpointKey(taskKey),
      f: PROTOCOL_VERSION,
      n: rank(saver),
      ttl: Math.floor(Date.now() / 1000) + KEPT_SECONDS,
      ...slotAttributes("v", slot),
    },
    { when: "absent-or-below", attribute: "n", value: rank(saver) + 0.5 },
  );
  const obsolete = written.written ? before && slotOf("v", before) : slot;
  if (obsolete && "object" in obsolete && !(written.written && isSame(obsolete, slot))) {
    await objects.deleteMany([obsolete.object]);
  }
  return written.written;

  async function store(): Promise<Slot> {
    if (encoded.byteLength <= inlineBytes) return { inline: joinChunks(encoded) };
    return storeValue(objects, encoded, (hash) => checkpointObject(taskKey, hash, saver.runStartedAt, saver.attempt));
  }
}

/** What an attempt saved before and what it saves now may be equal, and then lie in one place. */
const isSame = (a: Slot, b: Slot) => "object" in a && "object" in b && a.object === b.object;

/**
 * The state that was saved last.
 *
 * @param notBefore States that were saved by runs that began earlier do not count, in milliseconds since
 * the epoch: the task is to be computed anew.
 */
export async function readCheckpoint(
  table: ControlTable,
  taskKey: string,
  notBefore: number,
): Promise<Slot | undefined> {
  const item = await table.get(checkpointKey(taskKey));
  if (!item) return undefined;
  refuseNewer(`the checkpoint ${item.pk}`, item.f);
  return Number(item.n) >= notBefore * 1_000 ? slotOf("v", item) : undefined;
}

/** Forgets a task's state: it has its result. What a newer stratolab saved is left to its own time. */
export async function deleteCheckpoint({ table, objects }: Stores, taskKey: string): Promise<void> {
  const item: Item | undefined = await table.get(checkpointKey(taskKey));
  if (!item || Number(item.f) > PROTOCOL_VERSION) return;
  await table.deleteMany([checkpointKey(taskKey)]);
  const slot = slotOf("v", item);
  if ("object" in slot) await objects.deleteMany([slot.object]);
}
