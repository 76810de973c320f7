import { createHash } from "node:crypto";
import { utimes } from "node:fs/promises";
import { join } from "node:path";
import { collectGarbage, type GcOptions } from "../../sdk/gc/collect.ts";
import type { GcReport } from "../../sdk/gc/report.ts";
import { putObject } from "../../sdk/stores/objects.ts";
import type { ResultRecord } from "../../sdk/stores/result-items.ts";
import { noteType } from "../../sdk/stores/result-types.ts";
import { commitResult } from "../../sdk/stores/results.ts";
import type { Stores } from "../../sdk/stores/stores.ts";
import { encode, joinChunks } from "../../sdk/wire/codec/codec.ts";
import { contentObject, resultObject } from "../../sdk/wire/keys.ts";
import { ObjectRef } from "../../sdk/wire/object-ref.ts";
import { objectReferences } from "../../sdk/wire/references.ts";
import type { Slot } from "../../sdk/wire/slot.ts";
import { valueExtensions } from "../../sdk/wire/value-extensions.ts";
import { temporaryStores } from "../stores/folders.ts";
import { packingTable } from "../support/packing.ts";
import { ageBelow, DAY_MS } from "./age.ts";

const refs = objectReferences(
  (value) => value instanceof ObjectRef,
  (value) => (value as ObjectRef<unknown>).slot,
);

const sha = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
export const keyOf = (name: string) => sha(Buffer.from(name)).slice(0, 32);

/** A result as an executor leaves it. */
export interface StoredResult {
  readonly name: string;
  readonly value: unknown;
  readonly params: unknown;
  /** Whether value and params lie in objects. */
  readonly large: boolean;
  readonly endedAt?: number;
  readonly namespace?: string;
}

/** Stores in a folder of their own, with things in them of any age. */
export class GcBench implements AsyncDisposable {
  readonly stores: Stores & { readonly folder: string };
  readonly #release: () => PromiseLike<void>;
  /** Results that are to lie in one pack. */
  readonly #gathered: ResultRecord[] = [];

  private constructor(stores: Awaited<ReturnType<typeof temporaryStores>>, packed: boolean) {
    this.stores = packed ? { ...stores, table: packingTable(stores.table) } : stores;
    this.#release = () => stores[Symbol.asyncDispose]();
  }

  /** @param packed Results lie in a pack, each at most once. */
  static async make({ packed = false } = {}): Promise<GcBench> {
    return new GcBench(await temporaryStores(), packed);
  }

  put(value: unknown): Promise<ObjectRef<unknown>> {
    return putObject(this.stores.objects, value, valueExtensions());
  }

  /** Stores a result; gives the keys of its objects. */
  async result({ name, value, params, large, endedAt = Date.now(), namespace = "default" }: StoredResult) {
    const key = keyOf(name);
    const slot = async (encoded: Uint8Array, object: string): Promise<Slot> => {
      if (!large) return { inline: encoded };
      await this.stores.objects.put(object, { chunks: [encoded], byteLength: encoded.byteLength });
      return { object, bytes: encoded.byteLength, hash: sha(encoded) };
    };
    const valueBytes = joinChunks(encode(value, { name: "value" }));
    const paramBytes = joinChunks(encode(params, { name: "params", extensions: [refs] }));
    const objects = [resultObject(key, sha(valueBytes)), contentObject(sha(paramBytes))];
    const record: ResultRecord = {
      key,
      namespace,
      name,
      version: "v",
      generation: 0,
      value: await slot(valueBytes, objects[0]),
      params: await slot(paramBytes, objects[1]),
      runId: "run",
      attempt: 1,
      endedAt,
      durationMs: 1,
      peakMemoryMb: 1,
    };
    if (this.stores.table.packs) this.#gathered.push(record);
    else await commitResult(this.stores.table, record);
    return large ? objects : [];
  }

  /** An object that nothing names. */
  async orphan(key: string, bytes = 100): Promise<string> {
    await this.stores.objects.put(key, { chunks: [new Uint8Array(bytes)], byteLength: bytes });
    return key;
  }

  async age(key: string, ms: number): Promise<void> {
    const then = new Date(Date.now() - ms);
    await utimes(join(this.stores.folder, "objects", key), then, then);
  }

  /** Makes everything in the storage so old, but for the control table. */
  async ageAll(ms: number): Promise<void> {
    await ageBelow(this.stores.folder, ms);
  }

  async keys(): Promise<string[]> {
    const found: string[] = [];
    for await (const { key } of this.stores.objects.list("")) found.push(key);
    return found.sort();
  }

  async gc(options: Partial<GcOptions> = {}): Promise<GcReport> {
    const { packs } = this.stores.table;
    for (const type of this.#gathered) await noteType(this.stores.table, type);
    if (this.#gathered.length > 0) await packs?.write(this.#gathered.splice(0));
    return collectGarbage(this.stores, {
      graceMs: DAY_MS,
      dryRun: false,
      directory: this.stores.folder,
      ...options,
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#release();
  }
}
