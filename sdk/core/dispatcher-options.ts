import type { BatchOptions } from "./batch.ts";
import type { CapacityGroup } from "./offer.ts";
import type { SpeculationRule } from "./speculate.ts";
import type { StoreRates } from "./store-pace.ts";

export interface DispatcherOptions {
  readonly groups: readonly CapacityGroup[];
  /** Bound on assignments being worked on at once, over all lanes. */
  readonly concurrency: number;
  readonly batch: BatchOptions;
  /** When attempts get a second one beside them. Default never. */
  readonly speculation?: SpeculationRule | undefined;
  /** How much the stores take a second. Default without a bound. */
  readonly storeRates?: StoreRates | undefined;
}
