import { labKey } from "../wire/keys.ts";
import { PROTOCOL_VERSION } from "../wire/protocol.ts";
import { refuseNewer } from "../wire/version.ts";
import type { ControlTable } from "./control-table.ts";

/** A lab says that it is alive this often, in milliseconds. */
export const LIFE_SIGN_EVERY_MS = 10_000;
/** It counts as gone when it has said nothing for this long, in milliseconds. */
const LIFE_MS = 45_000;
const KEPT_SECONDS = 24 * 3600;

/** A lab says that it is alive. */
export async function giveLifeSign(table: ControlTable, labId: string): Promise<void> {
  const now = Date.now();
  await table.put({
    ...labKey(labId),
    f: PROTOCOL_VERSION,
    until: now + LIFE_MS,
    ttl: Math.floor(now / 1000) + KEPT_SECONDS,
  });
}

/** A lab says that it ends: its executors need not wait for more. */
export async function endLife(table: ControlTable, labId: string): Promise<void> {
  await table.deleteMany([labKey(labId)]);
}

/** Whether a lab is alive, as far as it has said. */
export async function isLabAlive(table: ControlTable, labId: string): Promise<boolean> {
  const item = await table.get(labKey(labId));
  refuseNewer(`the life sign LAB#${labId}`, item?.f);
  return item !== undefined && Number(item.until) > Date.now();
}
