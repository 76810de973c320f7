import type { StoreAddress } from "../wire/store-address.ts";
import type { ControlTable } from "./control-table.ts";
import type { KeptResults } from "./kept-results.ts";
import type { ObjectStore } from "./object-store.ts";
import type { RequestMeter } from "./request-meter.ts";

/** A lab's two stores. */
export interface Stores {
  readonly table: ControlTable;
  readonly objects: ObjectStore;
  /** Counts what is asked of them, where that costs something. */
  readonly requests?: RequestMeter;
  /** Where results are not stored by those who make them, but kept by the lab that they are told to. */
  readonly keptResults?: KeptResults;
}

/** Opens the stores at an address. Each kind is loaded only where it is used. */
export async function openStores(address: StoreAddress): Promise<Stores> {
  if (address.kind === "local") {
    const { openLocalStores } = await import("./local/open.ts");
    return openLocalStores(address.directory, address.temporary);
  }
  const { openAwsStores, openBucketStores } = await import("./aws/open.ts");
  return address.kind === "s3" ? openBucketStores(address) : openAwsStores(address);
}
