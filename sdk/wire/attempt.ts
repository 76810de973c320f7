import type { FanInSpec } from "./fan-in.ts";
import type { MemoryMonitor } from "./memory-monitor.ts";
import type { BrokenRuntimeEnv, RuntimeEnvSpec, TaskRuntimeEnv } from "./runtime-env.ts";
import type { Slot } from "./slot.ts";
import type { TraceContext } from "./tracing.ts";

/** What a task asked for, as its own code sees it in `ctx.resources`. */
export interface GrantedResources {
  readonly numCpus: number;
  readonly numGpus: number;
  /** Memory the executor was given, in MB; undefined on a runner that sets no limit. */
  readonly memoryMb?: number;
  readonly timeoutMs?: number;
}

/** One attempt, as the driver hands it to an executor. */
export interface AttemptSpec {
  /** Index of the task in its run. */
  readonly task: number;
  /** Counted from 1. */
  readonly attempt: number;
  /** Cache key of the task: also where its result is committed. */
  readonly key: string;
  readonly name: string;
  /** Code version, for the record. */
  readonly version: string;
  /** Params, encoded; tasks in them are references by key. */
  readonly params: Slot;
  /** Results that the params refer to, by cache key. */
  readonly inputs: Readonly<Record<string, Slot>>;
  /** Cache keys of the other results that they refer to: attempts before this one in the assignment hand them on. */
  readonly handed?: readonly string[];
  /**
   * Results of tasks that have put again what an earlier attempt missed, by cache key: streams lie under other names
   * now, which these results tell. Absent where nothing was missed.
   */
  readonly remade?: Readonly<Record<string, Slot>>;
  /** Nobody needs its result but the attempts behind it: it is handed on, and not stored. */
  readonly unstored?: true;
  readonly resources: GrantedResources;
  /**
   * Generation of the result: it is committed where none is stored, or only one of a smaller
   * generation. 0 unless the stored result is to be replaced (`bustCache`, a lost object).
   */
  readonly generation: number;
  /** For how long its result counts, in milliseconds: 0 for its run only, absent for good. */
  readonly keepMs?: number;
  /**
   * How long the attempt may wait for tasks of its own before its executor gives it up, in milliseconds: it is
   * made again when they have ended. Absent where it may wait for ever.
   */
  readonly suspendAfterMs?: number;
  /** The attempt's span, where its run is traced. */
  readonly trace?: TraceContext;
}

/** Where an executor tells what happens. */
export interface FeedAddress {
  /** Name of the feed: the lab's. */
  readonly name: string;
  /** The shard of it that the driver has assigned. Default 0, the first. */
  readonly shard?: number;
}

/** Attempts that one executor works off: in order, or several at once. */
export interface Assignment {
  readonly protocol: number;
  /** Unique in the run. */
  readonly id: string;
  readonly runId: string;
  /** When the run began, in milliseconds since the epoch. */
  readonly runStartedAt: number;
  /** Which of the run's drivers sent it, counted from 1. */
  readonly epoch: number;
  readonly namespace: string;
  /** SHA-256 of the user's bundle. */
  readonly bundle: string;
  /** `lab.context`, loaded once per executor. */
  readonly context?: Slot;
  readonly attempts: readonly AttemptSpec[];
  /** What it goes on with where it has the last input, each after those that it may wait for. */
  readonly fanIns?: readonly FanInSpec[];
  /** How many of them run at once, each in a process of its own; those that hand results on follow each other. Default 1. */
  readonly atOnce?: number;
  /** Results are written in packs by whoever supervises the executor; default each by itself, by the executor. */
  readonly packed?: true;
  /** By task name: how many digits of keys packs are divided by. Default none. */
  readonly packDepths?: Readonly<Record<string, number>>;
  /** What all of them run in; absent: in nothing of their own. */
  readonly runtimeEnv?: RuntimeEnvSpec;
  /** Runtime environments by task name, for keys of tasks that the attempts run. */
  readonly taskRuntimeEnvs?: readonly (readonly [taskName: string, TaskRuntimeEnv | BrokenRuntimeEnv])[];
  /**
   * Where is told what nobody awaits on a socket. `shards` is for functions that were deployed before there was
   * `shard`: they divide by it, and so tell in the first one.
   */
  readonly feed?: FeedAddress & { readonly shards?: 1 };
  /** The driver waits on a socket for the answer, as long as it can trust it. */
  readonly awaited: boolean;
  /** How memory is watched, false for not at all. */
  readonly memoryMonitor?: MemoryMonitor | false;
  /** Results up to this many encoded bytes travel inline; larger ones go to the object store. */
  readonly inlineBytes: number;
}
