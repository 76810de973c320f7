import type { Demand, RetryPolicy } from "../../sdk/core/demand.ts";
import type { RunInfo } from "../../sdk/runs.ts";
import type { ChronicleEvent, ToldAttempt, ToldSuccess } from "../../sdk/wire/chronicle.ts";

/** What tasks of one kind have in common. */
export interface ToldKind {
  readonly name: string;
  readonly version: string;
  readonly demand: Demand;
  readonly policy: RetryPolicy;
}

/** The tasks of a run, column by column; a task is a position in each. */
export interface ToldTasks {
  readonly kinds: readonly ToldKind[];
  readonly kind: readonly number[];
  /** Params as text. */
  readonly params: readonly string[];
  /** Positions of the tasks that stand in its params. */
  readonly dependencies: readonly (readonly number[])[];
  readonly targets: readonly number[];
}

/** A task that another one runs: it joins the columns when it is asked for. */
export interface ToldChild {
  readonly kind: ToldKind;
  readonly params: string;
  readonly dependencies: readonly number[];
}

/** Evidence may say what it cost, in dollars. */
interface Costed {
  readonly costUsd?: number;
}

type Driven = Extract<ChronicleEvent, { type: "driven" }>;
type Retried = Extract<ChronicleEvent, { type: "retried" }>;
type Nested = Extract<ChronicleEvent, { type: "nested" }>;
type Done = Extract<ChronicleEvent, { type: "done" }>;
type Failed = Extract<ChronicleEvent, { type: "failed" }>;

/** An event of a chronicle as it crosses to the page: without bytes, which JSON has not. */
export type ToldEvent =
  | Exclude<ChronicleEvent, Driven | Nested | Retried | Done | Failed>
  | (Omit<Driven, "wanted" | "cached"> & { readonly wanted: readonly number[]; readonly cached: readonly number[] })
  | (Omit<Nested, "plan" | "wanted" | "cached"> & {
      /** Positions of tasks that have to be there, and of those that are. */
      readonly wanted: readonly number[];
      readonly cached: readonly number[];
      /** Those of its tasks that the run did not have before, in the order of their positions. */
      readonly fresh: readonly ToldChild[];
    })
  | (Omit<Retried, "last"> & { readonly last: ToldAttempt & Costed })
  | (Omit<Done, "last"> & { readonly last?: ToldSuccess & Costed })
  | (Omit<Failed, "last" | "error"> & {
      readonly last?: ToldAttempt & Costed;
      /** The error that user code threw, with its stack and causes. */
      readonly stack?: string;
    });

/** A run as the page is given it first. */
export interface ToldRun {
  readonly run: RunInfo;
  /** Undefined until its driver has written them. */
  readonly tasks: ToldTasks | undefined;
  readonly events: readonly ToldEvent[];
}

/** What is new of a run. */
export type ToldNews = Pick<ToldRun, "run" | "events">;
