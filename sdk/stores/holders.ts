import { setTimeout as sleep } from "node:timers/promises";
import { HOLDER_PREFIX } from "../wire/keys.ts";
import { PROTOCOL_VERSION } from "../wire/protocol.ts";
import type { ControlTable } from "./control-table.ts";
import type { Stores } from "./stores.ts";

/*
 * Who holds an object that `lab.put` stored. Equal values are one object, so several labs may hold one. Before an
 * object is deleted its holders are looked at twice: the one that deletes says so between the two, and whoever takes
 * hold says that first and then looks whether somebody deletes. One of them always sees the other.
 */

/** A lab, as long as it is there; whoever pinned it; or tasks that were given it, whose results name it. */
export type HolderName = `lab:${string}` | "pin" | "used";

const DELETING = "deleting";
/** A deletion that has not said for so long that it is done was killed, in milliseconds. */
const DELETING_MS = 30_000;
const POLL_MS = 20;
/** How long it is remembered that tasks were given an object, in seconds: longer than any lab lives. */
const USED_SECONDS = 365 * 24 * 3600;

const partition = (object: string) => HOLDER_PREFIX + object;

/** Takes hold of an object that is there, or is about to be stored. */
export async function takeHold(table: ControlTable, object: string, holder: HolderName): Promise<void> {
  const now = Date.now();
  const ttl = holder === "used" ? { ttl: Math.floor(now / 1_000) + USED_SECONDS } : {};
  await table.put({ pk: partition(object), sk: holder, f: PROTOCOL_VERSION, at: now, ...ttl });
  for (;;) {
    const deleting = await table.get({ pk: partition(object), sk: DELETING });
    if (!deleting || Number(deleting.until) < Date.now()) return;
    await sleep(POLL_MS);
  }
}

/**
 * Lets go of an object, and deletes it where that is asked for and nobody else holds it.
 *
 * @param isLast Whether it may be deleted: the caller has stored it, and no task was given it.
 * @returns Whether it was deleted.
 */
export async function letGo(
  { table, objects }: Stores,
  object: string,
  holder: HolderName,
  isLast: boolean,
): Promise<boolean> {
  const pk = partition(object);
  await table.deleteMany([{ pk, sk: holder }]);
  if (!isLast || (await isHeld(table, pk))) return false;
  const until = Date.now() + DELETING_MS;
  await table.put({ pk, sk: DELETING, f: PROTOCOL_VERSION, until, ttl: Math.ceil(until / 1_000) });
  try {
    // Who was stopped in between has no right to it any more.
    if ((await isHeld(table, pk)) || Date.now() > until - DELETING_MS / 2) return false;
    await objects.deleteMany([object]);
    return true;
  } finally {
    await table.deleteMany([{ pk, sk: DELETING }]);
  }
}

async function isHeld(table: ControlTable, pk: string): Promise<boolean> {
  return (await table.query(pk)).some(({ sk }) => sk !== DELETING);
}
