import { createHash } from "node:crypto";
import { pack, unpack } from "msgpackr";
import { childFailureKey, childFailuresPartition, contentObject } from "../wire/keys.ts";
import type { ChildFailure } from "../wire/nested.ts";
import { PROTOCOL_VERSION } from "../wire/protocol.ts";
import { isNewerVersion, refuseNewer } from "../wire/version.ts";
import type { Item } from "./control-table.ts";
import type { Stores } from "./stores.ts";

/** As long as the record of the run, in seconds. */
const KEPT_SECONDS = 30 * 24 * 3600;
/** Larger ones lie in the object store, and the item only says where. */
const MAX_INLINE_BYTES = 3_500;

/** A task that failed for a task that runs it. */
interface KeptChildFailure {
  /** Cache key of the task that runs it. */
  readonly parent: string;
  readonly failure: ChildFailure;
}

/** Keeps why a task failed that another one runs: the next driver tells it, and does not try it again. */
export async function writeChildFailure(
  { table, objects }: Stores,
  namespace: string,
  runId: string,
  { parent, failure }: KeptChildFailure,
): Promise<void> {
  const bytes = new Uint8Array(pack(failure));
  const key = childFailureKey(namespace, runId, parent, failure.key);
  const item = { ...key, f: PROTOCOL_VERSION, ttl: Math.floor(Date.now() / 1000) + KEPT_SECONDS };
  if (bytes.byteLength <= MAX_INLINE_BYTES) {
    await table.put({ ...item, e: bytes });
    return;
  }
  const object = contentObject(createHash("sha256").update(bytes).digest("hex"));
  await objects.put(object, { chunks: [bytes], byteLength: bytes.byteLength });
  await table.put({ ...item, o: object });
}

/** What failed of the tasks that tasks of a run have run, as far as it is not to be tried again. */
export async function readChildFailures(stores: Stores, namespace: string, runId: string): Promise<KeptChildFailure[]> {
  const items = await stores.table.query(childFailuresPartition(namespace, runId));
  return (await Promise.all(items.map((item) => read(stores, item)))).flat();
}

async function read({ objects }: Stores, item: Item): Promise<KeptChildFailure[]> {
  try {
    refuseNewer(`the failure ${item.pk} ${item.sk}`, item.f);
  } catch (error) {
    // What cannot be read is tried again, which is never wrong.
    if (isNewerVersion(error)) return [];
    throw error;
  }
  const bytes = item.o === undefined ? (item.e as Uint8Array) : await objects.get(String(item.o));
  if (!bytes) return [];
  return [{ parent: item.sk.slice(0, item.sk.indexOf("#")), failure: unpack(bytes) as ChildFailure }];
}

/** They are to be tried again, or nobody asks any more. */
export async function deleteChildFailures(
  { table }: Stores,
  namespace: string,
  runId: string,
  parent: string,
  children: readonly string[],
): Promise<void> {
  await table.deleteMany(children.map((child) => childFailureKey(namespace, runId, parent, child)));
}

/** Forgets all of a run's. */
export async function deleteAllChildFailures(stores: Stores, namespace: string, runId: string): Promise<void> {
  await stores.table.deleteMany(await stores.table.query(childFailuresPartition(namespace, runId)));
}
