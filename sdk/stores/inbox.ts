import { createHash } from "node:crypto";
import { pack, unpack } from "msgpackr";
import type { Assignment } from "../wire/attempt.ts";
import { contentObject, inboxKey } from "../wire/keys.ts";
import type { NestedAnswer } from "../wire/nested.ts";
import { PROTOCOL_VERSION } from "../wire/protocol.ts";
import { refuseNewer, requireSameVersion } from "../wire/version.ts";
import type { ControlTable } from "./control-table.ts";
import type { ObjectStore } from "./object-store.ts";
import type { Stores } from "./stores.ts";

const KEPT_SECONDS = 24 * 3600;
/** Larger assignments lie in the object store, and the item only says where. */
const MAX_INLINE_BYTES = 3_500;

/** What an executor finds in its inbox. */
export type Letter =
  | { readonly type: "assign"; readonly assignment: Assignment }
  | {
      readonly type: "cancel";
      readonly runId: string;
      readonly assignment: string;
      readonly tasks: readonly number[];
      readonly graceMs: number;
    }
  /** What became of tasks that an attempt runs. */
  | { readonly type: "answer"; readonly assignment: string; readonly answer: NestedAnswer }
  | { readonly type: "leave" };

/** Puts a letter into an executor's inbox. Numbers count up from 1 for each executor. */
export async function sendLetter(
  { table, objects }: Stores,
  executor: string,
  number: number,
  letter: Letter,
): Promise<void> {
  const bytes = pack(letter);
  const ttl = Math.floor(Date.now() / 1000) + KEPT_SECONDS;
  const item = { ...inboxKey(executor, number), f: PROTOCOL_VERSION, ttl };
  if (bytes.byteLength <= MAX_INLINE_BYTES) {
    await table.put({ ...item, m: bytes });
    return;
  }
  const object = contentObject(createHash("sha256").update(bytes).digest("hex"));
  await objects.put(object, { chunks: [bytes], byteLength: bytes.byteLength });
  await table.put({ ...item, o: object });
}

/** Letters with numbers above `after`, in order. */
export async function readLetters(
  table: ControlTable,
  objects: ObjectStore,
  executor: string,
  after: number,
): Promise<{ readonly number: number; readonly letter: Letter }[]> {
  const { pk, sk } = inboxKey(executor, after);
  const items = await table.query(pk, { after: sk });
  return Promise.all(
    items.map(async (item) => {
      refuseNewer(`the letter ${item.pk} ${item.sk}`, item.f);
      const bytes = item.o === undefined ? (item.m as Uint8Array) : await objects.get(String(item.o));
      if (!bytes) throw new Error(`the assignment ${String(item.o)} is not in the object store`);
      const letter = unpack(bytes) as Letter;
      if (letter.type === "assign") {
        requireSameVersion("the driver's assignment", "this container's runtime", letter.assignment.protocol, {
          whenNewer: "Run the script again: it brings its own runtime along",
          whenOlder: "Update stratolab where the script runs",
        });
      }
      return { number: Number(item.sk), letter };
    }),
  );
}
