import type { CodePart } from "../wire/code-part.ts";
import { CODE_PREFIX, codeKey } from "../wire/keys.ts";
import { PROTOCOL_VERSION } from "../wire/protocol.ts";
import { refuseNewer } from "../wire/version.ts";
import { putContent } from "./content.ts";
import type { Item } from "./control-table.ts";
import { slotAttributes, slotOf } from "./slot-attributes.ts";
import type { Stores } from "./stores.ts";
import { loadBytes } from "./values.ts";

/** Larger ones lie in the object store: an item stays below 4 KB. */
const MAX_INLINE_BYTES = 3_000;

type Row = readonly [kind: CodePart["kind"], name: string, hash: string, version?: string];

/**
 * Writes down what code versions are made of, once each: so that it can be told later what an edit has
 * changed. A clean-up removes those that no result is of.
 */
export async function recordCode(
  { table, objects }: Stores,
  versions: ReadonlyMap<string, readonly CodePart[]>,
): Promise<void> {
  const known = await table.getMany([...versions.keys()].map(codeKey));
  const unknown = [...versions].filter((_, index) => !known[index]);
  await Promise.all(
    unknown.map(async ([version, parts]) => {
      const rows = parts.map(
        ({ kind, name, hash, version: its }): Row => [
          kind,
          name,
          hash,
          ...(its === undefined ? ([] as const) : ([its] as const)),
        ],
      );
      const bytes = new TextEncoder().encode(JSON.stringify(rows));
      const slot =
        bytes.byteLength <= MAX_INLINE_BYTES
          ? { inline: bytes }
          : await putContent(objects, { chunks: [bytes], byteLength: bytes.byteLength });
      const item = { ...codeKey(version), f: PROTOCOL_VERSION, t: Date.now(), ...slotAttributes("c", slot) };
      await table.putIf(item, { when: "absent" });
    }),
  );
}

/** What a code version is made of; undefined where that is not known, or not any more. */
export async function readCode({ table, objects }: Stores, version: string): Promise<CodePart[] | undefined> {
  const item = await table.get(codeKey(version));
  if (!item) return undefined;
  refuseNewer(`the code version ${version}`, item.f);
  const bytes = await loadBytes(objects, slotOf("c", item)).catch(() => undefined);
  if (!bytes) return undefined;
  const rows = JSON.parse(new TextDecoder().decode(bytes)) as Row[];
  return rows.map(([kind, name, hash, its]) => ({ kind, name, hash, ...(its === undefined ? {} : { version: its }) }));
}

/** The version that an item of the table is about. */
export const versionOfCode = (item: Item): string => item.pk.slice(CODE_PREFIX.length);
