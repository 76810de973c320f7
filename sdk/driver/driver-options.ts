import type { SpeculationRule } from "../core/speculate.ts";
import type { Runner, RunnerOpening } from "../runners/runner.ts";
import type { RuntimeEnvs } from "../runtime-envs/runtime-envs.ts";
import type { Stores } from "../stores/stores.ts";
import type { CodePart } from "../wire/code-part.ts";
import type { MemoryMonitor } from "../wire/memory-monitor.ts";
import type { Slot } from "../wire/slot.ts";
import type { RunManifest } from "./manifest.ts";
import type { NestingLimits } from "./nested-accounts.ts";
import type { ProgressListener } from "./progress-events.ts";
import type { RebuiltTask } from "./remaking.ts";
import type { Tracer } from "./tracer.ts";

export interface DriverOptions {
  readonly runner: Runner;
  readonly opening: RunnerOpening;
  readonly stores: Stores;
  readonly namespace: string;
  /** Unique among all labs. */
  readonly labId: string;
  readonly bundle: RunManifest["bundle"];
  /** Code version by task name. */
  readonly versions: ReadonlyMap<string, string>;
  /** What code versions are made of, where this process has bundled them. */
  readonly code: ReadonlyMap<string, readonly CodePart[]>;
  readonly context: Slot | undefined;
  readonly concurrency: number;
  readonly memoryMonitor: MemoryMonitor | false | undefined;
  readonly nesting: NestingLimits;
  /** When attempts get a second one beside them; undefined for never. */
  readonly speculation: SpeculationRule | undefined;
  readonly runtimeEnvs: RuntimeEnvs;
  readonly progress: ProgressListener;
  /** Finds a task by its cache key, where its result is stored and its code is here. */
  readonly rebuild: (key: string) => Promise<RebuiltTask | undefined>;
  /** Makes spans of what happens, where that is wanted. */
  readonly tracer?: Tracer | undefined;
  /** False where nobody waits for results here: they are not loaded, and stay undefined. */
  readonly loadsResults: boolean;
}

export interface StartOptions {
  readonly runId: string;
  readonly name: string | undefined;
  readonly tags: readonly string[] | undefined;
  /** The run may have been there before, with another driver. */
  readonly isContinued: boolean;
  readonly bustCache: boolean;
  readonly failFast: boolean;
  readonly deadlineMs: number | undefined;
  /** Over all drivers of the run. */
  readonly maxCostUsd: number | undefined;
}
