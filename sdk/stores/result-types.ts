import { isPackHeader, LISTED_HEADER, packPartition, TYPES_PARTITION, typeKey } from "../wire/keys.ts";
import { PROTOCOL_VERSION } from "../wire/protocol.ts";
import { refuseNewer } from "../wire/version.ts";
import type { ControlTable, Item } from "./control-table.ts";
import type { ResultType } from "./result-items.ts";

/*
 * The list of all task types and code versions that may have results where these lie in packs. A key says nothing of its
 * type, so whoever knows nothing else asks each. It is written once a type, before its first result.
 */

/** All of them, the latest first: one query for some ten thousand. */
export async function listTypes(table: ControlTable): Promise<ResultType[]> {
  const items = await table.query(TYPES_PARTITION);
  return items.sort((a, b) => Number(b.t) - Number(a.t)).map(typeOf);
}

/** Says, before the first result of a type is written, that there may be some. */
export async function noteType(table: ControlTable, type: ResultType): Promise<void> {
  const { namespace, name, version } = type;
  const key = typeKey(namespace, name, version);
  await table.put({ ...key, f: PROTOCOL_VERSION, ns: namespace, n: name, cv: version, t: Date.now() });
  await table.packs?.note(type, LISTED_HEADER);
}

/** Forgets what was said of a type that has no results any more, and whose results nobody writes. */
export async function forgetType(table: ControlTable, { namespace, name, version }: ResultType): Promise<void> {
  // The next one to write finds that it has to say everything anew.
  const headers = (await table.query(packPartition(namespace, name, version))).filter(isPackHeader);
  await table.deleteMany(headers);
  await table.deleteMany([typeKey(namespace, name, version)]);
}

/** What a result, or an entry in the list, says of its type. */
export function typeOf(item: Item): ResultType {
  refuseNewer(`the item ${item.pk} ${item.sk}`, item.f);
  return { namespace: String(item.ns), name: String(item.n), version: String(item.cv) };
}
