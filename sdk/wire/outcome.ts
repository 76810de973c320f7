import type { RequestCounts } from "./requests.ts";
import type { Slot } from "./slot.ts";

/** Every way an attempt can fail. What each means and what follows: `docs/architecture.md`. */
export const FAILURE_KINDS = [
  "user-error",
  "executor-lost",
  "out-of-memory",
  "timeout",
  "spot-interruption",
  "throttled",
  "start-failed",
  "setup-failed",
  "object-lost",
  "cancelled",
  "infeasible",
] as const;

/** How an attempt failed. */
export type FailureKind = (typeof FAILURE_KINDS)[number];

/** What an attempt used, as measured where it ran. Times are milliseconds since the epoch. */
export interface Usage {
  readonly startedAt: number;
  readonly endedAt: number;
  /** Fetching and decoding the inputs, in milliseconds. */
  readonly loadMs: number;
  /** In the task's own `run`, in milliseconds. */
  readonly runMs: number;
  /** Encoding, storing and committing the result, in milliseconds. */
  readonly storeMs: number;
  /** CPU time of the executor's process while the attempt ran, in milliseconds. */
  readonly cpuMs: number;
  /** Highest resident memory seen while the attempt ran, in MB. */
  readonly peakMemoryMb: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
}

/** An error that user code threw, as it crosses processes. */
export interface ThrownError {
  /** Names of its classes, its own first: what `retryOn` is matched with. */
  readonly names: readonly string[];
  readonly message: string;
  /** The error with its stack and causes, encoded; absent where it could not be. */
  readonly encoded?: Uint8Array;
}

/** The attempt ended with a result, stored and committed. */
export interface Success {
  readonly kind: "ok";
  readonly value: Slot;
  readonly usage: Usage;
  /** It was not stored, since nobody else was to need it: if it is large it is lost to all others. */
  readonly unstored?: true;
  /** Stands for the values that it was computed from, where whoever is told of it is to store it. */
  readonly inputs?: Uint8Array;
  /** Another attempt had committed before: `value` is that one's, this one's was dropped. */
  readonly superseded?: true;
}

/** The attempt ended without a result. */
export interface Failure {
  readonly kind: FailureKind;
  /** What was seen, in the words of whoever saw it. */
  readonly seen: string;
  readonly error?: ThrownError;
  /** Who executed it, where the driver does not know by itself. */
  readonly executor?: string;
  readonly usage?: Usage;
  /** It died for want of memory, as it seems, and others had a part of that: it says nothing about the task. */
  readonly crowded?: true;
  /** What was written while an environment was set up, oldest first, for `setup-failed`. */
  readonly log?: readonly string[];
  /** Cache keys of inputs that could not be loaded, for `object-lost`. */
  readonly lostInputs?: readonly string[];
  /** Cache keys of tasks that have put objects which are lost, though their results are there. */
  readonly lostProducers?: readonly string[];
}

/** A failure that ended several attempts together. */
export interface SharedFailure extends Failure {
  /** The task whose code was being executed, where that is known. */
  readonly culprit?: number;
}

/** The attempt has waited too long for tasks of its own: it is to be made again when they have ended. */
export interface Suspension {
  readonly kind: "suspended";
  readonly usage: Usage;
}

/** The attempt was not made, or for nothing: what one before it was to hand on has not come about, or does not count. */
export interface PassedOver {
  readonly kind: "passed-over";
  /** What was missing, in the words of whoever missed it. */
  readonly seen: string;
  readonly usage?: Usage;
}

/** How an attempt ended, and what was asked of the stores for it, where that is charged. */
export type Outcome = (Success | Failure | Suspension | PassedOver) & { readonly requests?: RequestCounts };
