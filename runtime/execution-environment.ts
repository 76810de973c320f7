import type { Stores } from "../sdk/stores/stores.ts";
import type { RunnableDefinition, TaskLog } from "../sdk/wire/definition.ts";
import type { AttemptLab } from "./attempt-lab.ts";
import type { AttemptCheckpoint } from "./checkpoint.ts";
import type { HandedResults } from "./handed-results.ts";

/** What an attempt is executed with. */
export interface ExecutionEnvironment {
  readonly stores: Stores;
  readonly definition: RunnableDefinition;
  readonly runId: string;
  readonly namespace: string;
  /** The lab's context, decoded. */
  readonly context: unknown;
  /** Its signal aborts when the attempt is to stop. */
  readonly abort: { readonly signal: AbortSignal };
  readonly log: TaskLog;
  readonly checkpoint: AttemptCheckpoint;
  readonly lab: AttemptLab;
  /** Results up to this many encoded bytes stay in the message and the control table. */
  readonly inlineBytes: number;
  /** Its result is written in a pack by whoever is told of the outcome. Default it commits it itself. */
  readonly isPacked?: boolean;
  /** What attempts of its assignment hand on to each other, where they do. */
  readonly handed?: HandedResults | undefined;
  /** Highest memory since the attempt began, in MB. */
  peakMemoryMb(): number;
  /** The task's own code is about to run. */
  begin?(): void;
  /** The task's own code has ended; what is left is to store its result. */
  ran?(): void;
}
