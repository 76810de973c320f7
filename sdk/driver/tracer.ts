import type * as OpenTelemetry from "@opentelemetry/api";
import type { Context, Span } from "@opentelemetry/api";
import type { Lane } from "../core/offer.ts";
import { LabError } from "../errors.ts";
import type { FailureKind, Usage } from "../wire/outcome.ts";
import { type TraceContext, writeTraceContext } from "../wire/tracing.ts";
import type { RunState } from "./run-state.ts";
import type { TaskEntry } from "./task-entry.ts";

/** What is needed of the package `@opentelemetry/api`. */
type TracingApi = Pick<typeof OpenTelemetry, "context" | "isSpanContextValid" | "SpanStatusCode" | "trace">;

/** A span that has begun, and the context of what happens within it. */
interface Open {
  readonly span: Span;
  readonly context: Context;
}

/** A run, and what of it is going on. */
interface TracedRun extends Open {
  readonly tasks: Map<TaskEntry, Open>;
  readonly attempts: Map<TaskEntry, Open>;
}

/** An attempt as it is dispatched. */
interface Dispatched {
  readonly attempt: number;
  readonly lane: Lane;
  readonly executor: string | undefined;
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** The task whose attempt runs this one. */
  readonly parent: TaskEntry | undefined;
}

/**
 * Tells OpenTelemetry of a lab's runs: a span for each run, for each of its tasks that is begun, from when its
 * inputs are there, and for each attempt, from its dispatch on. Times are the driver's own.
 */
export class Tracer {
  readonly #api: TracingApi;
  readonly #tracer: OpenTelemetry.Tracer;
  readonly #runs = new Map<RunState, TracedRun>();
  /** When tasks were settled: from then on those that need them wait. */
  readonly #settledAt = new WeakMap<TaskEntry, number>();

  constructor(api: TracingApi, version: string) {
    this.#api = api;
    this.#tracer = api.trace.getTracer("stratolab", version);
  }

  /** A run begins, as a part of what its caller is doing. */
  begin(run: RunState, runner: string, counts: { readonly tasks: number; readonly cached: number }): void {
    const attributes = {
      "stratolab.run.id": run.id,
      "stratolab.runner": runner,
      "stratolab.tasks": counts.tasks,
      "stratolab.tasks.cached": counts.cached,
      ...(run.name === undefined ? {} : { "stratolab.run.name": run.name }),
      ...(run.tags.length === 0 ? {} : { "stratolab.run.tags": [...run.tags] }),
    };
    const opened = this.#open(`run ${run.name ?? ""}`.trim(), this.#api.context.active(), run.startedAt, attributes);
    this.#runs.set(run, { ...opened, tasks: new Map(), attempts: new Map() });
  }

  /** @throws LabError when nobody has said where spans are to go. */
  check(): void {
    const span = this.#tracer.startSpan("check", { root: true });
    if (this.#api.isSpanContextValid(span.spanContext())) return;
    throw new LabError(
      "no-tracer-provider",
      "new Lab: tracing is true, but no tracer provider is registered: register one before the lab's first run, such as " +
        "new NodeTracerProvider({ … }).register(), or leave tracing out",
    );
  }

  /** @returns What the executor is told, so that the task's own spans become children of the attempt's. */
  dispatched(
    run: RunState,
    entry: TaskEntry,
    { attempt, lane, executor, at, parent }: Dispatched,
  ): TraceContext | undefined {
    const traced = this.#runs.get(run);
    if (!traced) return undefined;
    const { name, key } = entry.planned;
    let task = traced.tasks.get(entry);
    if (!task) {
      const above = (parent && traced.attempts.get(parent)) ?? traced;
      const readyAt = Math.max(run.startedAt, ...entry.dependencies.map((each) => this.#settledAt.get(each) ?? 0));
      // What a task runs was not there before that task asked for it.
      const since = above === traced ? Math.min(readyAt, at) : at;
      task = this.#open(name, above.context, since, { "stratolab.task.name": name, "stratolab.task.key": key });
      traced.tasks.set(entry, task);
    }
    this.#end(traced.attempts, entry, at);
    const opened = this.#open(`${name} attempt`, task.context, at, {
      "stratolab.task.name": name,
      "stratolab.attempt": attempt,
      "stratolab.lane": lane.name,
      ...(executor === undefined ? {} : { "stratolab.executor": executor }),
    });
    traced.attempts.set(entry, opened);
    return writeTraceContext(opened.span.spanContext());
  }

  /** An attempt has waited too long for tasks that it runs. */
  suspended(run: RunState, entry: TaskEntry, usage: Usage): void {
    this.#attemptEnded(run, entry, "suspended", usage);
  }

  retried(run: RunState, entry: TaskEntry, kind: FailureKind): void {
    this.#attemptEnded(run, entry, kind, entry.lastFailure?.usage);
  }

  done(run: RunState, entry: TaskEntry): void {
    this.#attemptEnded(run, entry, "ok", entry.success?.usage);
    this.#taskEnded(run, entry, "ok");
  }

  failed(run: RunState, entry: TaskEntry, kind: FailureKind, message: string): void {
    this.#attemptEnded(run, entry, kind, entry.lastFailure?.usage);
    this.#taskEnded(run, entry, kind, message);
  }

  /** A run is over, or is not this driver's any more; what is open of it is closed. */
  end(run: RunState, error: Error | undefined): void {
    const traced = this.#runs.get(run);
    if (!traced) return;
    this.#runs.delete(run);
    const now = Date.now();
    for (const { span } of [...traced.attempts.values(), ...traced.tasks.values()]) span.end(now);
    traced.span.setAttribute("stratolab.cost_usd", run.costUsd);
    if (error) traced.span.setStatus({ code: this.#api.SpanStatusCode.ERROR, message: error.message });
    traced.span.end(now);
  }

  #open(name: string, parent: Context, startTime: number, attributes: OpenTelemetry.Attributes): Open {
    const span = this.#tracer.startSpan(name, { startTime, attributes }, parent);
    return { span, context: this.#api.trace.setSpan(parent, span) };
  }

  #attemptEnded(
    run: RunState,
    entry: TaskEntry,
    kind: FailureKind | "ok" | "suspended",
    usage: Usage | undefined,
  ): void {
    const { attempts } = this.#runs.get(run) ?? {};
    const { span } = attempts?.get(entry) ?? {};
    if (!attempts || !span) return;
    span.setAttribute("stratolab.outcome", kind);
    if (usage) {
      const { loadMs, runMs, storeMs, cpuMs, peakMemoryMb, bytesIn, bytesOut } = usage;
      span.setAttributes({
        "stratolab.load_ms": loadMs,
        "stratolab.run_ms": runMs,
        "stratolab.store_ms": storeMs,
        "stratolab.cpu_ms": cpuMs,
        "stratolab.peak_memory_mb": peakMemoryMb,
        "stratolab.bytes_in": bytesIn,
        "stratolab.bytes_out": bytesOut,
      });
    }
    if (kind !== "ok" && kind !== "suspended") {
      const { seen = "", error } = entry.lastFailure ?? {};
      span.setStatus({ code: this.#api.SpanStatusCode.ERROR, message: seen });
      if (error) span.recordException({ name: error.names[0] ?? "Error", message: error.message });
    }
    this.#end(attempts, entry, Date.now());
  }

  #taskEnded(run: RunState, entry: TaskEntry, kind: FailureKind | "ok", message?: string): void {
    const now = Date.now();
    this.#settledAt.set(entry, now);
    const { tasks } = this.#runs.get(run) ?? {};
    const { span } = tasks?.get(entry) ?? {};
    if (!tasks || !span) return;
    span.setAttribute("stratolab.outcome", kind);
    if (message !== undefined) span.setStatus({ code: this.#api.SpanStatusCode.ERROR, message });
    this.#end(tasks, entry, now);
  }

  #end(open: Map<TaskEntry, Open>, entry: TaskEntry, at: number): void {
    open.get(entry)?.span.end(at);
    open.delete(entry);
  }
}
