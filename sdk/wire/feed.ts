import { Packr, unpack } from "msgpackr";
import type { AttemptReport } from "./invocation.ts";
import type { LiveUsage } from "./live-usage.ts";
import type { NestedRequest } from "./nested.ts";
import type { SharedFailure } from "./outcome.ts";

/** A log line of a task, as it travels. */
export interface WireLogLine {
  readonly at: number;
  readonly runId: string;
  readonly task: number;
  readonly attempt: number;
  readonly level: "debug" | "info" | "warn" | "error";
  readonly text: string;
}

/** What executors tell in a feed. */
export type FeedEvent =
  /** An executor takes work. */
  | { readonly type: "hello" }
  /** It is alive; what it works on, and what that uses. */
  | { readonly type: "beat"; readonly assignments: readonly string[]; readonly usage?: LiveUsage }
  | { readonly type: "outcomes"; readonly assignment: string; readonly reports: readonly AttemptReport[] }
  /** An assignment broke off; the attempts without an outcome have none. */
  | {
      readonly type: "broken";
      readonly assignment: string;
      readonly failure: SharedFailure;
      readonly atServiceLimit?: true;
    }
  /** An attempt runs tasks. */
  | {
      readonly type: "nested";
      readonly assignment: string;
      readonly task: number;
      readonly attempt: number;
      readonly request: NestedRequest;
    }
  /** `inAnswerOf`: the answer of this assignment has them, too, for whoever still waits for that. */
  | { readonly type: "logs"; readonly lines: readonly WireLogLine[]; readonly inAnswerOf?: string }
  /** The service is about to take the executor away. */
  | { readonly type: "terminating" }
  /** It leaves; whatever it has begun is over. */
  | { readonly type: "bye" };

/** An event in a feed, and who told it. */
export interface FeedEntry {
  readonly executor: string;
  readonly event: FeedEvent;
}

/** Attribute of a feed item that holds the entry. */
export const FEED_ATTRIBUTE = "e";

/** Reports are alike: the names of their fields are written once an entry. */
const packr = new Packr({ useRecords: true });

export const packFeedEntry = (entry: FeedEntry): Uint8Array => packr.pack(entry);
/** How much reports take in one entry. */
export const bytesOfReports = (reports: readonly AttemptReport[]): number => packr.pack(reports).byteLength;
export const unpackFeedEntry = (bytes: Uint8Array): FeedEntry => unpack(bytes) as FeedEntry;
