import { deletedKey } from "../wire/keys.ts";
import { PROTOCOL_VERSION } from "../wire/protocol.ts";
import type { ControlTable } from "./control-table.ts";

/** That a result was there, and who has deleted it. */
export interface DeletedResult {
  /** In milliseconds since the epoch. */
  readonly at: number;
  readonly by: "uncache" | "clean-up";
}

/** For so long it is known why a result is gone, in seconds. */
const KEPT_SECONDS = 30 * 86_400;
const AT_ONCE = 32;

/** Notes that results were deleted, so that it can be told why they are not in the cache. */
export async function noteDeleted(
  table: ControlTable,
  keys: readonly string[],
  by: DeletedResult["by"],
): Promise<void> {
  const at = Date.now();
  const next = keys.values();
  const lanes = Array.from({ length: Math.min(AT_ONCE, keys.length) }, async () => {
    for (const key of next) {
      await table.put({
        ...deletedKey(key),
        f: PROTOCOL_VERSION,
        t: at,
        by,
        ttl: Math.ceil(at / 1_000) + KEPT_SECONDS,
      });
    }
  });
  await Promise.all(lanes);
}

/** When a result was deleted, in the order of the keys; undefined where none was, or long ago. */
export async function readDeletedMany(
  table: ControlTable,
  keys: readonly string[],
): Promise<(DeletedResult | undefined)[]> {
  const items = await table.getMany(keys.map(deletedKey));
  return items.map((item) => item && { at: Number(item.t), by: item.by as DeletedResult["by"] });
}
