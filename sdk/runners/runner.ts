import type { LogLine } from "../../runtime/log-lines.ts";
import type { Bundle } from "../bundle/bundle.ts";
import type { BatchOptions } from "../core/batch.ts";
import type { StartFailureKind } from "../core/events.ts";
import type { Lane, Offer } from "../core/offer.ts";
import type { StoreRates } from "../core/store-pace.ts";
import type { Stores } from "../stores/stores.ts";
import type { AdoptedFrom } from "../wire/adopted.ts";
import type { Assignment, AttemptSpec } from "../wire/attempt.ts";
import type { FanIn } from "../wire/fan-in.ts";
import type { LiveUsage } from "../wire/live-usage.ts";
import type { NestedAnswer, NestedRequest } from "../wire/nested.ts";
import type { Failure, Outcome, SharedFailure } from "../wire/outcome.ts";
import type { RuntimeEnv } from "../wire/runtime-env.ts";
import type { StoreAddress } from "../wire/store-address.ts";

/** What a runner is given when a lab opens it. */
export interface RunnerSession {
  /** Unique among all labs. */
  readonly labId: string;
  readonly bundle: Bundle;
  readonly stores: Stores;
  /** Where the stores are, for executors to open. */
  readonly address: StoreAddress;
  /** Attempts at once, if the user set a bound. */
  readonly concurrency: number | undefined;
  /** Custom resources that the user declared for this machine. */
  readonly resources: Readonly<Record<string, number>>;
  /** What the bundle has, where that was found out before: it need not be loaded to see. */
  readonly tasks?: RunnerOpening["tasks"] | undefined;
  /** Tells the lab what happened. May be called from `open` on until `close` is over. */
  report(event: RunnerEvent): void;
}

/** What a runner turns out to be, once opened. */
export interface RunnerOpening {
  /** What it can run attempts on. */
  readonly offer: Offer;
  /**
   * Names of the tasks that the bundle really has, each with the name of its export, and its runtime environment
   * where its definition has one.
   */
  readonly tasks: readonly (readonly [name: string, exportName: string, runtimeEnv?: RuntimeEnv])[];
  /** How many short attempts may share a dispatch. */
  readonly batch: BatchOptions;
  /** Results and params up to this many encoded bytes travel in messages. */
  readonly inlineBytes: number;
  /** Its executors write results in packs where the control table has such. Default each result by itself. */
  readonly packsResults?: true;
  /** What the lab's stores take a second, where that is not what AWS gives new ones. */
  readonly storeRates?: Partial<StoreRates>;
  /**
   * Executors set up the runtime environment of an assignment before its first attempt; a pooled lane with
   * another `runtimeEnv` has executors of its own. A text says why they do not. Default not: tasks that have one are
   * refused.
   */
  readonly runtimeEnvs?: true | string;
}

/** From when until when an invocation is paid for, by its own clock, in milliseconds since the epoch. */
export interface BilledSpan {
  readonly from: number;
  /** Absent as long as more of it follows. */
  readonly until?: number;
}

/** What happens to a runner's executors and assignments. */
export type RunnerEvent =
  | {
      readonly type: "outcome";
      readonly assignment: string;
      readonly task: number;
      readonly attempt: number;
      readonly outcome: Outcome;
      /** Tasks that its executor goes on with by itself, since it has brought the last of their inputs; itself, if it is one. */
      readonly goesOnWith?: readonly FanIn[];
      /** Who executed it, where that was not the driver's choice: a Lambda request. */
      readonly executor?: string;
      /** Of the invocation around it, where that was measured. Default: the attempt's own time. */
      readonly billed?: BilledSpan;
    }
  /** An attempt runs tasks, as `ctx.lab` asked for it; answered with `Runner.answer`. */
  | {
      readonly type: "nested";
      readonly assignment: string;
      readonly task: number;
      readonly attempt: number;
      readonly request: NestedRequest;
    }
  /** An assignment broke off as a whole, with all attempts that have no outcome yet. */
  | {
      readonly type: "assignment-failed";
      readonly assignment: string;
      readonly failure: Failure;
      readonly atServiceLimit?: true;
      /** Of its invocation, where that was measured. Default: from its dispatch until now. */
      readonly billed?: BilledSpan;
    }
  /** `startedAt`: from when on it is paid for, in milliseconds since the epoch. Default now. */
  | { readonly type: "executor-ready"; readonly executor: string; readonly lane: Lane; readonly startedAt?: number }
  /** An executor is gone; without a failure it was stopped on purpose. */
  | { readonly type: "executor-gone"; readonly executor: string; readonly failure?: SharedFailure }
  | {
      readonly type: "start-failed";
      readonly lane: Lane;
      readonly count: number;
      readonly failure: Failure & { readonly kind: StartFailureKind };
      /** How long one was paid for that was there and never worked, in milliseconds. Default not at all. */
      readonly ranMs?: number;
    }
  | { readonly type: "limit"; readonly group: string; readonly slots: number }
  | ({ readonly type: "log"; readonly executor: string; readonly at: number } & LogLine);

/** Attempts to be executed, and where. */
export interface DispatchOrder {
  readonly assignment: Assignment;
  readonly lane: Lane;
  /** The executor, in lanes that are pooled. */
  readonly executor?: string;
  /** Which of the lane's identical functions, from 0, where the offer has several. Default 0. */
  readonly copy?: number;
  /** How long the attempts are expected to take together, in milliseconds, where that was measured. */
  readonly expectedMs?: number;
  /** Tasks of this kind have run tasks: something may be asked soon. */
  readonly runsTasks?: true;
}

/** Attempts that nobody waits for any more. */
export interface KillOrder {
  readonly assignment: string;
  readonly executor?: string;
  readonly runId: string;
  readonly tasks: readonly number[];
  /** How long they may take to end by themselves after `ctx.signal`, in milliseconds. */
  readonly graceMs: number;
}

/** An attempt that another driver began. */
export interface AdoptOrder {
  /** As this driver calls it. */
  readonly assignment: string;
  readonly runId: string;
  readonly namespace: string;
  readonly spec: AttemptSpec;
  readonly from: AdoptedFrom;
  /** From when on its log lines may not have been written down, in milliseconds since the epoch. */
  readonly unheardSince: number;
  /** Whether an earlier driver of the run has written a log line down; each counts once. */
  isTold(line: {
    readonly at: number;
    readonly attempt: number;
    readonly level: LogLine["level"];
    readonly text: string;
  }): boolean;
}

/** A run that is handed over to a driver elsewhere. */
export interface HandOver {
  readonly runId: string;
  readonly namespace: string;
}

/** What became of tasks that an attempt runs. */
export interface AnswerOrder {
  readonly assignment: string;
  readonly executor?: string;
  readonly answer: NestedAnswer;
}

/**
 * A back end: where attempts go. `local`, `inline` and `aws` implement it, and so may you: hand an
 * object of this interface to `new Lab({ runner })`, and hold it against the exported conformance
 * suite.
 *
 * The methods that start something return at once; what becomes of it is reported. Every attempt of a
 * dispatch must be answered: by its own `outcome`, by `assignment-failed`, or by `executor-gone`.
 */
export interface Runner {
  /** As the user sees it: `local`, `aws`. */
  readonly name: string;
  /**
   * Where the lab keeps its results with this runner.
   *
   * @param storage What the user gave as `storage`, if anything; false for a lab that keeps nothing.
   */
  storeAddress(storage: string | false | undefined): Promise<StoreAddress>;
  /**
   * A lab is being opened, and its code is still being put together: whatever takes long and does not need that may
   * be begun. It ends with `close`, also where `open` is never called. Default nothing.
   *
   * @param labId What `open` will be given.
   */
  prepare?(labId: string): void;
  /** Makes ready to run attempts of a bundle. @throws LabError when that cannot be. */
  open(session: RunnerSession): Promise<RunnerOpening>;
  /** Starts executors of a pooled lane: each is followed by `executor-ready` or `start-failed`. */
  startExecutors(lane: Lane, count: number): void;
  /** Lets an idle executor go. */
  stopExecutor(executor: string): void;
  dispatch(order: DispatchOrder): void;
  kill(order: KillOrder): void;
  /**
   * Starts a driver elsewhere that goes on with a run, where this runner has one; resolves when it will
   * begin. Absent: runs cannot be detached.
   */
  handOver?(run: HandOver): Promise<void>;
  /**
   * Waits for an attempt that another driver began, and reports its outcome as if it had been dispatched here.
   * Absent: attempts do not outlive their driver.
   */
  adopt?(order: AdoptOrder): void;
  /**
   * Another runner of the same kind and settings, not open, for a run that another lab began. Absent: this one
   * can drive no such run.
   */
  another?(): Runner;
  /**
   * Forgets an assignment without ending its attempts: the run's next driver waits for them. Absent:
   * attempts do not outlive this process, and are killed.
   */
  abandon?(order: Pick<KillOrder, "assignment" | "executor">): void;
  /** What the executor of an assignment uses at this moment, as far as is known here. Absent: it is not told. */
  usageOf?(of: { readonly assignment: string; readonly executor?: string }): LiveUsage | undefined;
  /**
   * Of what was dispatched: the shard of the lab's feed in which its executor tells what happens. Whoever drives the run
   * next listens there. Absent: it is the first one, 0.
   */
  feedShardOf?(of: { readonly assignment: string; readonly executor?: string }): number | undefined;
  /** Answers an attempt that has asked for tasks of its own. A runner that reports no `nested` needs none. */
  answer?(order: AnswerOrder): void;
  /** Ends everything; nothing of it is left running afterwards. */
  close(): Promise<void>;
}
