import type * as OpenTelemetry from "@opentelemetry/api";

/** A span of another process, as W3C Trace Context writes it. */
export interface TraceContext {
  readonly traceparent: string;
  readonly tracestate?: string;
}

/** What is needed of the package `@opentelemetry/api`: whoever makes spans has it, and nobody else is made to. */
export type TracingLibrary = Pick<typeof OpenTelemetry, "context" | "createTraceState" | "ROOT_CONTEXT" | "trace">;

/** Where a bundle leaves its own copy of the package for its executor. */
const TRACING: unique symbol = Symbol.for("stratolab.tracing") as never;
type Holder = { [TRACING]?: TracingLibrary };

/** Makes a bundle's copy of the package known: it is the one that its tasks make their spans with. */
export function registerTracing(library: TracingLibrary): void {
  (globalThis as Holder)[TRACING] = library;
}

const VERSION = "00";
const WRITTEN = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;

export function writeTraceContext({
  traceId,
  spanId,
  traceFlags,
  traceState,
}: OpenTelemetry.SpanContext): TraceContext {
  const flags = traceFlags.toString(16).padStart(2, "0");
  const tracestate = traceState?.serialize();
  return { traceparent: `${VERSION}-${traceId}-${spanId}-${flags}`, ...(tracestate ? { tracestate } : {}) };
}

/**
 * Runs something as a part of the span that was carried here: spans that it makes are children of that one.
 * Where the bundle makes no spans it is just run.
 */
export function withinTrace<T>(trace: TraceContext | undefined, run: () => T): T {
  const library = trace && (globalThis as Holder)[TRACING];
  const [, traceId, spanId, flags] = (library && WRITTEN.exec(trace.traceparent)) ?? [];
  if (!library || traceId === undefined) return run();
  const { context, createTraceState, ROOT_CONTEXT, trace: spans } = library;
  const parent = {
    traceId,
    spanId,
    traceFlags: Number.parseInt(flags, 16),
    isRemote: true,
    ...(trace.tracestate === undefined ? {} : { traceState: createTraceState(trace.tracestate) }),
  };
  return context.with(spans.setSpanContext(ROOT_CONTEXT, parent), run);
}

/** A tracer provider that may hold spans back, to send several together. */
interface Flushable {
  getDelegate?(): Flushable;
  forceFlush?(): Promise<void>;
}

/** How long an outcome waits at most for its attempt's spans to be sent, in milliseconds. */
const FLUSH_MS = 2_000;

/** Has the spans sent that a task has made: an executor may be frozen or gone a moment later. */
export async function flushSpans(trace: TraceContext | undefined): Promise<void> {
  const library = trace && (globalThis as Holder)[TRACING];
  if (!library) return;
  const provider = library.trace.getTracerProvider() as Flushable;
  const flushed = (provider.getDelegate?.() ?? provider).forceFlush?.();
  if (!flushed) return;
  let timer: NodeJS.Timeout | undefined;
  const patience = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, FLUSH_MS);
  });
  // Spans that cannot be sent are no reason to lose a result.
  await Promise.race([flushed.catch(() => {}), patience]);
  clearTimeout(timer);
}
