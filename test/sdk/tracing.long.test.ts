import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SpanStatusCode, trace } from "@opentelemetry/api";
import {
  InMemorySpanExporter,
  NodeTracerProvider,
  type ReadableSpan,
  SimpleSpanProcessor,
} from "@opentelemetry/sdk-trace-node";
import { afterAll, beforeEach, describe, expect, test } from "vitest";
import { measure, parent, sum } from "./fixtures/traced-tasks.ts";
import { LabBench } from "./lab-bench.ts";

const tasks = new URL("fixtures/traced-tasks.ts", import.meta.url);
const folder = mkdtempSync(join(tmpdir(), "stratolab-spans-"));
const file = join(folder, "spans");
const exporter = new InMemorySpanExporter();
const provider = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });

beforeEach(() => {
  process.env.SPANS_FILE = file;
  rmSync(file, { force: true });
  exporter.reset();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const spansOf = (name: string): ReadableSpan[] => exporter.getFinishedSpans().filter((span) => span.name === name);
const idOf = (span: ReadableSpan) => span.spanContext().spanId;

/** What executors have sent. */
const sent = () =>
  (existsSync(file) ? readFileSync(file, "utf8").trim().split("\n") : []).map(
    (line) => JSON.parse(line) as { name: string; traceId: string; parent?: string },
  );

test("is refused by name where nobody takes the spans", async () => {
  await using bench = new LabBench();
  await expect(bench.lab({ tasks, tracing: true }).runTask(measure({ seed: 0 }))).rejects.toMatchObject({
    kind: "no-tracer-provider",
    message: expect.stringContaining("no tracer provider is registered"),
  });
});

describe("with a tracer provider", () => {
  test("a run, its tasks and their attempts are spans, and what a task makes is below its attempt", async () => {
    provider.register();
    await using bench = new LabBench();
    const lab = bench.lab({ tasks, runner: "local", tracing: true, concurrency: 1 });
    const values = [1, 2].map((seed) => measure({ seed }));
    await trace.getTracer("script").startActiveSpan("script", async (script) => {
      await lab.runTasks([sum({ values })], { name: "traced" });
      script.end();
    });

    const [script] = spansOf("script");
    const [run] = spansOf("run traced");
    expect(run.parentSpanContext?.spanId).toBe(idOf(script));
    expect(run.attributes).toMatchObject({ "stratolab.runner": "local", "stratolab.tasks": 3 });
    const measured = spansOf("measure");
    expect([...measured, ...spansOf("sum")].map(({ parentSpanContext }) => parentSpanContext?.spanId)).toEqual(
      Array(3).fill(idOf(run)),
    );

    const attempts = spansOf("measure attempt");
    expect(attempts.map(({ attributes, status }) => [attributes["stratolab.outcome"], status.code]).sort()).toEqual([
      ["ok", SpanStatusCode.UNSET],
      ["ok", SpanStatusCode.UNSET],
      ["user-error", SpanStatusCode.ERROR],
    ]);
    expect(attempts.find(({ attributes }) => attributes["stratolab.outcome"] === "ok")?.attributes).toMatchObject({
      "stratolab.lane": "local",
      "stratolab.cpu_ms": expect.any(Number),
    });
    // One below each attempt, in the executor, also of the one that failed.
    expect(
      sent()
        .map(({ parent: above }) => above)
        .sort(),
    ).toEqual(attempts.map(idOf).sort());
    expect(new Set(sent().map(({ traceId }) => traceId))).toEqual(new Set([run.spanContext().traceId]));
  });

  test("what a task runs is below the attempt that runs it", async () => {
    provider.register();
    await using bench = new LabBench();
    await bench.lab({ tasks, tracing: true }).runTask(parent({ n: 1 }));
    const [above] = spansOf("parent attempt");
    expect(spansOf("measure")[0].parentSpanContext?.spanId).toBe(idOf(above));
  });

  test("without tracing there are no spans of ours, and tasks' own stand alone", async () => {
    await using bench = new LabBench();
    await bench.lab({ tasks }).runTask(measure({ seed: 3 }));
    const spans = exporter.getFinishedSpans();
    expect(spans.map(({ name, parentSpanContext }) => [name, parentSpanContext])).toEqual([["inner", undefined]]);
  });

  test("a failed task says so", async () => {
    await using bench = new LabBench();
    const run = bench.lab({ tasks, tracing: true }).runTask(sum({ values: null as never }));
    await expect(run).rejects.toThrow();
    const [span] = spansOf("sum");
    expect([span.attributes["stratolab.outcome"], span.status.code]).toEqual(["user-error", SpanStatusCode.ERROR]);
    expect(spansOf("sum attempt")[0].events[0].name).toBe("exception");
  });
});
