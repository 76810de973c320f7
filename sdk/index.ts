/**
 * stratolab: Ray without a cluster. Tasks on local processes, AWS Lambda and ECS, every result cached.
 *
 * @module
 */

export type { CachedTasksOptions } from "./cache-filter.ts";
export type { Pace } from "./core/token-bucket.ts";
export type { ProgressEvent, RunningAttempt } from "./driver/progress-events.ts";
export {
  type AttemptEvidence,
  type AttemptUsage,
  CodecError,
  InfeasibleError,
  InvalidTaskError,
  LabError,
  LabOptionError,
  RunError,
  RuntimeEnvSetupError,
  TaskCancelledError,
  TaskError,
} from "./errors.ts";
export type { HeldObject, ObjectHolder } from "./held-objects.ts";
export type { CacheChange } from "./history/cache-changes.ts";
export type { CacheStory, CacheStoryKind } from "./history/cache-story.ts";
export type { NearestResult } from "./history/earlier-results.ts";
export type { ExplainedAttempt, ExplainedDependency, TaskExplanation } from "./history/explain.ts";
export type { LogOptions } from "./history/follow-log.ts";
export type { LogFilter, RunLogLine } from "./history/log-lines.ts";
export type { NotCachedReason } from "./history/plan-reasons.ts";
export type { Durations, RunSummary, TimedTask, TypeSummary } from "./history/summary.ts";
export type { TaskStatus } from "./history/task-history.ts";
export type { TimeSpent } from "./history/time-spent.ts";
export { type AttachOptions, Lab, type SubmitOptions } from "./lab.ts";
export type { LabOptions } from "./lab-options.ts";
export type { Params } from "./params.ts";
export type { PlannedGroup, PlanOptions, PlanReport, Range } from "./plan-report.ts";
export type { Returned, ReturnsOf } from "./returns.ts";
export {
  type OutcomesOf,
  type ResultOf,
  type ResultsOf,
  Run,
  type TaskFailure,
  type TaskOutcome,
  type TaskSuccess,
} from "./run.ts";
export type { RunOptions } from "./run-options.ts";
export type { RunnerOptions } from "./runner-options.ts";
export { type AwsOptions, aws } from "./runners/aws/aws.ts";
export type {
  AnswerOrder,
  BilledSpan,
  DispatchOrder,
  KillOrder,
  Runner,
  RunnerEvent,
  RunnerOpening,
  RunnerSession,
} from "./runners/runner.ts";
export type { RefusedCounts, RunCounts, RunDriver, RunFailure, RunInfo, RunStatus, RunsOptions } from "./runs.ts";
export type { SpeculationOptions } from "./speculation.ts";
export {
  type SplitTask,
  type SplitTaskConfig,
  type SplitTaskDefinition,
  Task,
  type TaskConfig,
  type TaskDefinition,
  task,
} from "./task.ts";
export type { WaitOptions, WaitResult } from "./wait.ts";
export type { ByteStream, Stored } from "./wire/byte-stream.ts";
export type { CacheOptions, CacheStorage, Duration } from "./wire/cache-options.ts";
export { type ClassCodec, registerCodec } from "./wire/codec/classes.ts";
export { inspectSerializability, type SerializabilityIssue } from "./wire/codec/inspect.ts";
export type { TaskCheckpoint, TaskContext, TaskLog, TaskObjects } from "./wire/definition.ts";
export type { LiveUsage } from "./wire/live-usage.ts";
export type { MemoryMonitor } from "./wire/memory-monitor.ts";
export { ObjectLostError } from "./wire/object-lost-error.ts";
export { ObjectRef } from "./wire/object-ref.ts";
export type { FailureKind } from "./wire/outcome.ts";
export type { ReturnNames } from "./wire/returns.ts";
export type { RuntimeEnv, SecretRef } from "./wire/runtime-env.ts";
export type { NestedRun, NestedRunOptions, TaskLab } from "./wire/task-lab.ts";
