import { useLayoutEffect, useRef } from "preact/hooks";
import type { AttemptModel, RunModel, TaskModel } from "../model/run-model.ts";
import { tookMs } from "../model/sort.ts";
import { bytes, count, dollars, megabytes, moment, spell } from "./format.ts";
import { Status } from "./status.tsx";
import { UsageChart } from "./usage-chart.tsx";

/** The last lines are the ones that tell; a page of a hundred thousand helps nobody. */
const MAX_LINES = 500;
const MAX_LINKS = 20;

interface TaskDetailProps {
  readonly task: TaskModel;
  readonly model: RunModel;
  readonly version: number;
  readonly now: number;
  readonly onTask: (position: number) => void;
  readonly onClose: () => void;
}

/** Everything that is known of a task. Escape closes it, and the focus is where it was. */
export function TaskDetail({ task, model, version, now, onTask, onClose }: TaskDetailProps) {
  const heading = useRef<HTMLHeadingElement>(null);
  // Before it is painted: keys that are pressed at once are its own.
  useLayoutEffect(() => {
    const before = document.activeElement as HTMLElement | null;
    heading.current?.focus({ preventScroll: true });
    return () => before?.focus?.({ preventScroll: true });
  }, []);
  const { demand, policy } = model.kinds[model.kindOf[task.position]];
  const { failure } = task;
  return (
    <aside class="panel detail" aria-label="Task" onKeyDown={(event) => event.key === "Escape" && onClose()}>
      <header>
        <h2 ref={heading} tabIndex={-1}>
          {task.name}
        </h2>
        <Status of={task.status} />
        <button type="button" aria-label="Close" onClick={onClose}>
          ×
        </button>
      </header>
      <pre class="params">{task.params}</pre>
      <p class="quiet">{describeDemand({ ...demand, maxRetries: policy.maxRetries })}</p>
      <Links label="Depends on" positions={task.dependencies} model={model} onTask={onTask} />
      <Links label="Run by" positions={task.parent === undefined ? [] : [task.parent]} model={model} onTask={onTask} />
      <Links label="Runs" positions={childrenOf(task, model)} model={model} onTask={onTask} />
      {failure && (
        <section class="failure">
          <h3>Failure: {failure.kind}</h3>
          <p>{failure.message}</p>
          {failure.blockedBy !== undefined && (
            <Links label="Blocked by" positions={[failure.blockedBy]} model={model} onTask={onTask} />
          )}
          {failure.stack && <pre>{failure.stack}</pre>}
        </section>
      )}
      {task.attempts.length > 0 && <h3>Attempts</h3>}
      <ol class="attempts">
        {task.attempts.map((attempt, index) => (
          <Attempt key={index} attempt={attempt} now={now} />
        ))}
      </ol>
      <UsageChart model={model} version={version} name={task.name} position={task.position} />
      <LogLines task={task} />
    </aside>
  );
}

function describeDemand({
  numCpus,
  numGpus,
  gpuType,
  memoryMb,
  timeoutMs,
  executor,
  spot,
  maxRetries,
}: RunModel["kinds"][number]["demand"] & { readonly maxRetries: number }): string {
  return [
    ...(numCpus === undefined ? [] : [`${numCpus} CPU`]),
    ...(numGpus > 0 ? [`${numGpus} GPU${gpuType ? ` (${gpuType})` : ""}`] : []),
    ...(memoryMb === undefined ? [] : [megabytes(memoryMb)]),
    ...(timeoutMs === undefined ? [] : [`at most ${spell(timeoutMs)}`]),
    ...(executor === undefined ? [] : [`on ${executor}`]),
    ...(spot ? [] : ["not on Spot"]),
    `up to ${maxRetries} retries`,
  ].join(", ");
}

const childrenOf = ({ position }: TaskModel, { tasks }: RunModel): number[] =>
  tasks.flatMap((each) => (each.parent === position ? each.position : []));

interface LinksProps {
  readonly label: string;
  readonly positions: readonly number[];
  readonly model: RunModel;
  readonly onTask: (position: number) => void;
}

function Links({ label, positions, model, onTask }: LinksProps) {
  if (positions.length === 0) return null;
  return (
    <p class="links">
      {label}{" "}
      {positions.slice(0, MAX_LINKS).map((position) => (
        <button key={position} type="button" class="link" onClick={() => onTask(position)}>
          {model.tasks[position].name}
          <span class="quiet">({model.tasks[position].params.slice(0, 40)})</span>
        </button>
      ))}
      {positions.length > MAX_LINKS && ` and ${count(positions.length - MAX_LINKS)} more`}
    </p>
  );
}

function Attempt({ attempt, now }: { attempt: AttemptModel; now: number }) {
  const { kind, lane, executor, startedAt, dispatchedAt, memoryMb, usage, peakMemoryMb, seen, decided, costUsd } =
    attempt;
  const took = tookMs(attempt) ?? Math.max(0, now - (startedAt ?? dispatchedAt));
  const facts: readonly (readonly [string, string])[] = [
    ["where", `${lane} ${executor}`.trim()],
    ["began", moment(startedAt ?? dispatchedAt)],
    [
      "waited",
      `${spell(Math.max(0, dispatchedAt - attempt.readyAt))} in the queue, ${spell(Math.max(0, (startedAt ?? dispatchedAt) - dispatchedAt))} starting`,
    ],
    ["took", spell(took)],
    [
      "of that",
      usage ? `${spell(usage.loadMs)} loading, ${spell(usage.runMs)} running, ${spell(usage.storeMs)} storing` : "",
    ],
    ["CPU", usage ? `${spell(usage.cpuMs)} (${Math.round((100 * usage.cpuMs) / Math.max(1, took))} %)` : ""],
    ["memory", [megabytes(peakMemoryMb), megabytes(memoryMb)].filter(Boolean).join(" of ")],
    ["data", usage ? `${bytes(usage.bytesIn)} in, ${bytes(usage.bytesOut)} out` : ""],
    ["cost", dollars(costUsd)],
    ["seen", seen ?? ""],
    ["then", decided ?? ""],
  ];
  return (
    <li>
      <h4>
        Attempt {attempt.attempt}: {kind === undefined ? "runs" : kind === "unknown" ? "given up" : kind}
      </h4>
      {usage && <Stages usage={usage} />}
      <dl>
        {facts
          .filter(([, is]) => is !== "")
          .map(([what, is]) => (
            <div key={what}>
              <dt>{what}</dt>
              <dd>{is}</dd>
            </div>
          ))}
      </dl>
    </li>
  );
}

/** What an attempt's time went into, as one bar. */
function Stages({ usage: { loadMs, runMs, storeMs } }: { usage: NonNullable<AttemptModel["usage"]> }) {
  const all = Math.max(1e-6, loadMs + runMs + storeMs);
  return (
    <div class="status-bar" aria-hidden="true">
      <span class="is-waiting" style={{ width: `${(100 * loadMs) / all}%` }} />
      <span class="is-done" style={{ width: `${(100 * runMs) / all}%` }} />
      <span class="is-cached" style={{ width: `${(100 * storeMs) / all}%` }} />
    </div>
  );
}

function LogLines({ task: { log, failure } }: { task: TaskModel }) {
  const lines = log.slice(-MAX_LINES);
  if (lines.length === 0 && !failure?.logTail.length) return null;
  return (
    <>
      <h3>Log{log.length > MAX_LINES && `: the last ${MAX_LINES} of ${count(log.length)} lines`}</h3>
      <section class="log" tabIndex={0} aria-label="Log lines">
        {lines.map(({ at, level, text, attempt }, index) => (
          <div key={index} class={`line is-${level}`}>
            <time title={moment(at)}>{new Date(at).toLocaleTimeString("en", { hourCycle: "h23" })}</time>
            <span class="quiet">{attempt}</span> {text}
          </div>
        ))}
        {lines.length === 0 && failure?.logTail.map((text, index) => <div key={index}>{text}</div>)}
      </section>
    </>
  );
}
