import type { ResultRecord } from "./result-items.ts";

/** Results of a lab whose storage goes with it: executors tell them, and the lab's own process keeps them. */
export interface KeptResults {
  /** An attempt has told its result. The record is made when somebody looks for it. */
  keep(key: string, record: () => ResultRecord): void;
}
