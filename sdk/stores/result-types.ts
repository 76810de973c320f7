import { TYPES_PARTITION, typeKey } from "../wire/keys.ts";
import { PROTOCOL_VERSION } from "../wire/protocol.ts";
import { refuseNewer } from "../wire/version.ts";
import type { ControlTable, Item } from "./control-table.ts";
import type { ResultType } from "./result-items.ts";

/**
 * The list of all task types and code versions that may have results where these lie in packs. A key says nothing of its
 * type, so whoever knows nothing else asks each. It is written once a type, before its first result.
 */
export class ResultTypes {
  readonly #table: ControlTable;

  constructor(table: ControlTable) {
    this.#table = table;
  }

  /** All of them, the latest first: one query for some ten thousand. */
  async list(): Promise<ResultType[]> {
    const items = await this.#table.query(TYPES_PARTITION);
    return items.sort((a, b) => Number(b.t) - Number(a.t)).map(typeOf);
  }

  async add({ namespace, name, version }: ResultType): Promise<void> {
    const key = typeKey(namespace, name, version);
    await this.#table.put({ ...key, f: PROTOCOL_VERSION, ns: namespace, n: name, cv: version, t: Date.now() });
  }

  async remove({ namespace, name, version }: ResultType): Promise<void> {
    await this.#table.deleteMany([typeKey(namespace, name, version)]);
  }
}

/** What a result, or an entry in the list, says of its type. */
export function typeOf(item: Item): ResultType {
  refuseNewer(`the item ${item.pk} ${item.sk}`, item.f);
  return { namespace: String(item.ns), name: String(item.n), version: String(item.cv) };
}
