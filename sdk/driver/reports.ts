import type { AttemptEnd, SchedulerEvent } from "../core/events.ts";
import type { RunnerEvent } from "../runners/runner.ts";
import { recordOfTold } from "../stores/result-items.ts";
import type { Failure, SharedFailure, Success } from "../wire/outcome.ts";
import { type Slot, slotBytes } from "../wire/slot.ts";
import type { Seen } from "./evidence.ts";
import type { InFlight } from "./in-flight.ts";
import { type DriverParts, notice } from "./parts.ts";
import type { Remaking } from "./remaking.ts";
import type { RunState } from "./run-state.ts";
import { addLogLine, type TaskEntry } from "./task-entry.ts";

type OutcomeEvent = RunnerEvent & { type: "outcome" };

/** Makes events for the scheduler of what the runner reports, and keeps what was seen. */
export class Reports {
  readonly #parts: DriverParts;
  readonly #remaking: Remaking;

  constructor(parts: DriverParts, remaking: Remaking) {
    this.#parts = parts;
    this.#remaking = remaking;
  }

  take(event: RunnerEvent): void {
    const { loop, book, inFlight: inFlightBook, charges, nested, progress, chronicler } = this.#parts;
    if (loop.hold(() => this.take(event))) return;
    switch (event.type) {
      case "outcome": {
        const entry = book.entries[event.task];
        const producers = "lostProducers" in event.outcome ? event.outcome.lostProducers : undefined;
        if (!entry || !producers || !this.#remaking.isNeeded(entry, producers)) this.#outcome(event);
        // What is to run again has to be part of a run before the scheduler is told that it is missed.
        else
          void this.#remaking
            .begin(entry, producers)
            .then((reasons) => this.#outcomeInTurn(withReasons(event, reasons)));
        break;
      }
      case "nested": {
        const entry = book.entries[event.task];
        // What was reported before it may have brought what it asks for.
        loop.flush();
        if (entry) nested.hear(entry, event, inFlightBook.get(event.assignment)?.executor);
        break;
      }
      case "assignment-failed": {
        const { assignment, failure, atServiceLimit } = event;
        const end = { ...sharedEndOf(failure), ...(atServiceLimit ? { atServiceLimit } : {}) };
        const inFlight = inFlightBook.take(assignment);
        this.#keepLog(inFlight, failure);
        this.#noteRefused(inFlight, failure);
        const seen = { failure, inFlight, costUsd: charges.brokenOff(inFlight, event) };
        this.#failTogether({ type: "assignment-failed", assignment: Number(assignment), end }, seen);
        break;
      }
      case "executor-ready": {
        const { executor, lane, startedAt = Date.now() } = event;
        charges.bill.ready(executor, lane, startedAt, Date.now());
        loop.push({ type: "executor-ready", executor, lane });
        break;
      }
      case "limit":
        loop.push(event);
        break;
      case "executor-gone": {
        const { executor, failure } = event;
        const inFlight = inFlightBook.takeOf(executor);
        this.#keepLog(inFlight, failure);
        const costUsd = charges.bill.gone(executor, Date.now());
        if (!failure) loop.push({ type: "executor-gone", executor });
        else {
          const seen = { failure, inFlight, costUsd };
          this.#failTogether({ type: "executor-gone", executor, end: sharedEndOf(failure) }, seen);
        }
        break;
      }
      case "start-failed": {
        const { lane, count, failure, ranMs } = event;
        const askedBy = charges.bill.notStarted(lane, count, ranMs);
        if (failure.kind === "throttled") for (const run of askedBy) book.runs[run]?.addRefused({ launches: 1 });
        const what = `${count} executor${count === 1 ? "" : "s"} (${lane.name})`;
        notice(this.#parts, `${what} did not start: ${failure.seen}`);
        const seen = { failure, inFlight: undefined, lane };
        this.#failTogether({ type: "start-failed", lane, count, kind: failure.kind }, seen);
        break;
      }
      case "log": {
        const entry = book.entries[event.task];
        if (!entry) break;
        addLogLine(entry, event.text);
        progress.log(entry, event);
        chronicler.log(entry, event);
        break;
      }
    }
  }

  /** What was written while an environment was set up are the last words of the tasks that it was for. */
  #keepLog(inFlight: InFlight | undefined, failure: Failure | undefined): void {
    for (const line of failure?.log ?? []) {
      for (const task of inFlight?.open ?? []) addLogLine(this.#parts.book.entries[task], line);
    }
  }

  /** Of a container it was a letter that was refused, which is counted where it was sent. */
  #noteRefused(inFlight: InFlight | undefined, { kind }: Failure): void {
    const [task] = inFlight?.open ?? [];
    if (kind !== "throttled" || task === undefined || inFlight?.executor !== undefined) return;
    const { book } = this.#parts;
    book.runOf(book.entries[task]).addRefused({ invocations: 1 });
  }

  #outcomeInTurn(event: OutcomeEvent): void {
    if (!this.#parts.loop.hold(() => this.#outcomeInTurn(event))) this.#outcome(event);
  }

  #outcome(event: OutcomeEvent): void {
    const { assignment, task, attempt: number, outcome, executor, billed, goesOnWith = [] } = event;
    const { scheduler, loop, book, inFlight: inFlightBook, charges, evidence } = this.#parts;
    const { chronicler, journal, nested, progress } = this.#parts;
    const entry = book.entries[task];
    if (!entry) return;
    // Before its end, which may be that of the assignment.
    for (const fanIn of goesOnWith) {
      inFlightBook.join(assignment, fanIn);
      loop.push({ type: "fan-in", assignment: Number(assignment), ...fanIn });
    }
    const inFlight = inFlightBook.end(assignment, task);
    const run = book.runOf(entry);
    journal.changed(run);
    charges.asked(assignment, task, outcome);
    const costUsd = charges.attempt(entry, outcome, inFlight, billed);
    run.ranTypes.add(entry.planned.name);
    if (outcome.kind === "suspended") {
      const attempt = scheduler.tasks.attempt[task];
      entry.suspensions += 1;
      const where = executor ?? inFlight?.executor ?? "";
      evidence.suspended(entry, attempt, { inFlight, executor: where, usage: outcome.usage, costUsd });
      progress.suspended(run.id, entry);
      chronicler.suspended(entry, outcome.usage);
      this.#parts.options.tracer?.suspended(run, entry, outcome.usage);
      nested.suspended(entry);
      loop.push({ type: "suspended", assignment: Number(assignment), task });
      return;
    }
    if (outcome.kind === "passed-over") {
      progress.suspended(run.id, entry);
      loop.push({ type: "passed-over", assignment: Number(assignment), task });
      return;
    }
    const ended = {
      type: "attempt-ended",
      assignment: Number(assignment),
      task,
      end: endOf(entry, outcome, this.#remaking),
    } as const;
    if (outcome.kind === "ok") {
      entry.value ??= outcome.value;
      const attempt = inFlight?.adoptedFrom ? scheduler.tasks.attempt[task] : number;
      entry.success ??= { attempt, inFlight, executor, usage: outcome.usage, costUsd };
      const { namespace, stores } = this.#parts.options;
      if (!outcome.unstored) stores.keptResults?.keep(entry.planned.key, () => recordOf(entry, run, namespace));
      loop.push(ended);
      return;
    }
    // The task goes elsewhere, free of charge.
    if (outcome.crowded) progress.suspended(run.id, entry);
    loop.flush();
    for (const line of outcome.log ?? []) addLogLine(entry, line);
    const failure = executor === undefined ? outcome : { executor, ...outcome };
    evidence.forTask(task, { failure, inFlight, costUsd }, () => loop.step([ended]));
  }

  /** A failure that hits whichever tasks the scheduler holds it against. */
  #failTogether(event: SchedulerEvent, seen: Seen): void {
    const { loop, evidence } = this.#parts;
    loop.flush();
    evidence.forAll(seen, () => loop.step([event]));
  }
}

/** A result that only this lab keeps. */
function recordOf({ generation, params, planned, success, value }: TaskEntry, run: RunState, namespace: string) {
  const { attempt, usage } = success as NonNullable<TaskEntry["success"]>;
  const { key, name, version, keepMs } = planned;
  const ordered = { key, name, version, keepMs, generation, attempt, params: params ?? { inline: planned.params } };
  return recordOfTold(ordered, { value: value as Slot, usage }, { namespace, runId: run.id });
}

/** What an attempt has missed, with why it cannot be put again. */
function withReasons(event: OutcomeEvent, reasons: readonly string[]): OutcomeEvent {
  const { outcome } = event;
  if (reasons.length === 0 || !("seen" in outcome)) return event;
  return { ...event, outcome: { ...outcome, seen: [outcome.seen, ...reasons].join("; ") } };
}

/** An outcome as the scheduler needs to see it. */
function endOf(entry: TaskEntry, outcome: Success | Failure, remaking: Remaking): AttemptEnd {
  const { planned, dependencies } = entry;
  if (outcome.kind === "ok") {
    const { loadMs, runMs, bytesOut, peakMemoryMb } = outcome.usage;
    // Of several returns the slot says only where they lie.
    const resultBytes = Math.max(bytesOut, slotBytes(outcome.value));
    return { kind: "ok", durationMs: loadMs + runMs, resultBytes, peakMemoryMb };
  }
  const { retryOn } = planned.policy;
  const names = outcome.error?.names ?? [];
  const retryable = typeof retryOn === "boolean" ? retryOn : retryOn.some((name) => names.includes(name));
  const { lostInputs, lostProducers = [] } = outcome;
  const again = lostProducers.length > 0 ? remaking.forAttempt(entry, lostProducers) : [];
  const lost =
    lostInputs &&
    [...dependencies.filter((each) => lostInputs.includes(each.planned.key)), ...again].map(({ task }) => task);
  const lostForGood = lostInputs?.length === 0 && again.length === 0;
  const crowded = outcome.crowded ? { crowded: true } : {};
  return { kind: outcome.kind, retryable, ...(lost ? { lost, lostForGood } : {}), ...crowded };
}

const sharedEndOf = ({ kind, culprit }: SharedFailure) => ({ kind, ...(culprit === undefined ? {} : { culprit }) });
