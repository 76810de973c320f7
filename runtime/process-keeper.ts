import { tmpdir } from "node:os";
import { join } from "node:path";
import { classifyProcessEnd } from "../sdk/core/classify.ts";
import type { Assignment } from "../sdk/wire/attempt.ts";
import type { FromExecutor } from "../sdk/wire/channel.ts";
import type { WireLogLine } from "../sdk/wire/feed.ts";
import type { AttemptReport } from "../sdk/wire/invocation.ts";
import type { LiveUsage } from "../sdk/wire/live-usage.ts";
import type { NestedAnswer } from "../sdk/wire/nested.ts";
import type { Failure, SharedFailure } from "../sdk/wire/outcome.ts";
import type { StoreAddress } from "../sdk/wire/store-address.ts";
import { asSetupEnd, setupTimeout } from "./env-failures.ts";
import { ExecutorProcess } from "./executor-process.ts";
import { DEADLINE_GRACE_MS, judge, notice } from "./watch.ts";

export interface ProcessKeeperOptions {
  /** Marks its processes, one after another. */
  readonly id: string;
  /** File of the executor process's entry, and arguments behind it. */
  readonly entry: string;
  readonly entryArguments?: readonly string[];
  readonly stores: StoreAddress;
  /** Memory of the whole executor, in MB. */
  readonly memoryMb: number;
}

/** What an assignment came to beyond its reports. */
export interface AssignmentEnd {
  /** Why the attempts without a report have none. */
  readonly broken?: SharedFailure;
  readonly atServiceLimit?: true;
}

/** What a process's work came to. */
export interface WorkEnd extends AssignmentEnd {
  /** Somebody has killed the process, and nobody said why: the kernel does so where memory runs out. */
  readonly isKilled?: true;
}

export interface AssignmentListener {
  report(report: AttemptReport): void;
  log(line: WireLogLine): void;
  /** The running task runs tasks. */
  nested(message: FromExecutor & { readonly type: "nested" }): void;
}

interface Verdict {
  readonly failure: Failure;
  readonly atServiceLimit?: true;
}

/** The assignment being worked on. */
interface Work {
  readonly assignment: Assignment;
  readonly listener: AssignmentListener;
  readonly open: Set<number>;
  /** The running task was told to save its state. */
  noticed: boolean;
  resolve(end: WorkEnd): void;
}

/** A bundle being loaded by the process, for whoever waits for that. */
interface Opening {
  readonly opened: Promise<boolean>;
  settle(isOpened: boolean): void;
}

/**
 * Stands above one executor process in the cloud. It hands work down, ends attempts that are out of time or memory,
 * and tells what killed those that died. The process is started anew when it is gone, or when another bundle is to
 * be loaded.
 */
export class ProcessKeeper {
  readonly #options: ProcessKeeperOptions;
  #process: ExecutorProcess | undefined;
  #bundle: string | undefined;
  #opening: Opening | undefined;
  /** What the process sets up at present, and since when; starting the process is no part of it. */
  #settingUp: { readonly timeoutMs: number; since?: number } | undefined;
  #processes = 0;
  #work: Work | undefined;
  /** Code of a suspended attempt is in the process, and would go on beside the attempt that takes its place. */
  #hasLeftovers = false;
  /** Why the process is being killed, when it is us who kill it. */
  #verdict: Verdict | undefined;

  constructor(options: ProcessKeeperOptions) {
    this.#options = options;
  }

  /** Starts a process ahead of the first assignment. */
  prepare(): void {
    this.#process ??= this.#start();
  }

  #start(): ExecutorProcess {
    const { id, entry, entryArguments = [], memoryMb } = this.#options;
    const child: ExecutorProcess = new ExecutorProcess({
      id: `${id}.${++this.#processes}`,
      entry,
      entryArguments,
      // The supervisor bounds memory; V8's own bound must not get in before it.
      nodeOptions: [`--max-old-space-size=${memoryMb}`],
      env: process.env,
      onMessage: (message) => this.#message(message),
      onLog: (line) => this.#work?.listener.log({ at: Date.now(), ...line }),
      onOutput: (text, from) => this.#output(text, from === "stderr" ? "error" : "info"),
      onDeath: (death) => {
        if (this.#process !== child) return;
        this.#process = undefined;
        this.#bundle = undefined;
        this.#opening?.settle(false);
        const isKilled = death.signal === "SIGKILL" && this.#verdict === undefined && death.note === undefined;
        const seen = classifyProcessEnd(death);
        const verdict: Verdict = this.#verdict ?? {
          failure: this.#settingUp ? asSetupEnd(seen, death.said) : seen,
        };
        this.#settingUp = undefined;
        this.#verdict = undefined;
        const culprit = death.culprit === undefined ? {} : { culprit: death.culprit };
        this.#finish({
          broken: { ...verdict.failure, ...culprit },
          ...(verdict.atServiceLimit ? { atServiceLimit: true } : {}),
          ...(isKilled ? { isKilled } : {}),
        });
      },
    });
    return child;
  }

  /** Works off an assignment, or a piece of one. */
  run(assignment: Assignment, listener: AssignmentListener): Promise<WorkEnd> {
    this.#open(assignment);
    const done = new Promise<WorkEnd>((resolve) => {
      const open = new Set(assignment.attempts.map(({ task }) => task));
      this.#work = { assignment, listener, open, noticed: false, resolve };
    });
    this.#process?.send({ type: "assign", assignment });
    return done;
  }

  /** Loads what an assignment needs ahead of its work; false where the process has died of it. */
  ready(assignment: Assignment): Promise<boolean> {
    this.#open(assignment);
    return this.#opening?.opened ?? Promise.resolve(true);
  }

  /** Ends the process, whatever it still does; the next assignment gets another one. */
  #dismiss(): void {
    const old = this.#process;
    this.#process = undefined;
    this.#bundle = undefined;
    this.#hasLeftovers = false;
    this.#opening?.settle(false);
    old?.kill();
  }

  #open({ bundle: hash, runtimeEnv }: Assignment): void {
    const bundle = runtimeEnv ? `${hash} in ${runtimeEnv.id}` : hash;
    // A process cannot forget modules: another bundle, or environment, gets a process of its own.
    if (this.#process && this.#bundle !== undefined && this.#bundle !== bundle) this.#dismiss();
    this.#process ??= this.#start();
    if (this.#bundle === bundle) return;
    this.#bundle = bundle;
    this.#opening = newOpening();
    const { id, stores } = this.#options;
    this.#settingUp = runtimeEnv && { timeoutMs: runtimeEnv.setupTimeoutMs };
    // A folder of its own, also where several executors share a disk, as on the local AWS.
    const folder = join(tmpdir(), "stratolab", "runtime-envs", id);
    const env = runtimeEnv && { runtimeEnv: { spec: runtimeEnv, folder, isOwn: true } };
    this.#process.send({ type: "open", bundleHash: hash, stores, ...env });
  }

  #message(message: FromExecutor): void {
    if (message.type === "opened" || message.type === "open-failed") this.#hasOpened(message);
    else if (message.type === "setting-up" && this.#settingUp) this.#settingUp.since = Date.now();
    const work = this.#work;
    if (!work) return;
    switch (message.type) {
      case "outcome": {
        const { task, attempt, outcome } = message;
        work.open.delete(task);
        work.listener.report({ task, attempt, outcome });
        if (outcome.kind === "suspended") this.#hasLeftovers = true;
        if (work.open.size > 0) break;
        if (this.#hasLeftovers) this.#dismiss();
        this.#finish({});
        break;
      }
      case "nested":
        work.listener.nested(message);
        break;
    }
  }

  #hasOpened(message: FromExecutor & { readonly type: "opened" | "open-failed" }): void {
    if (message.type === "opened") {
      this.#settingUp = undefined;
      this.#opening?.settle(true);
      return;
    }
    const { kind, message: seen, log } = message;
    const isKnown = kind === "start-failed" || kind === "setup-failed";
    this.end({ kind: isKnown ? kind : "executor-lost", seen, ...(log ? { log } : {}) });
  }

  #output(text: string, level: "info" | "error"): void {
    const work = this.#work;
    const task = this.#process?.running?.task;
    if (!work || task === undefined) return;
    const attempt = work.assignment.attempts.find((spec) => spec.task === task)?.attempt ?? 1;
    work.listener.log({ at: Date.now(), runId: work.assignment.runId, task, attempt, level, text });
  }

  #finish(end: WorkEnd): void {
    const work = this.#work;
    this.#work = undefined;
    work?.resolve(end);
  }

  /**
   * Looks whether the running attempt has to end.
   *
   * @param memoryBytes What the process uses, with all that it has started.
   * @param memoryLimitBytes What it may use; 0 for any amount.
   */
  watch(now: number, memoryBytes: number, memoryLimitBytes: number): void {
    const { assignment } = this.#work ?? {};
    if (!assignment || this.#verdict) return;
    const { timeoutMs: setupMs, since } = this.#settingUp ?? {};
    if (setupMs !== undefined && since !== undefined && now - since > setupMs) {
      this.end(setupTimeout(setupMs, this.#process?.said ?? []));
      return;
    }
    const running = this.#process?.running;
    if (!running) return;
    const spec = assignment.attempts.find(({ task }) => task === running.task);
    const timeoutMs = spec?.resources.timeoutMs;
    const watched = {
      task: running.task,
      attempt: spec?.attempt ?? 1,
      deadline: timeoutMs === undefined ? 0 : running.since + timeoutMs,
      memoryLimitBytes,
    };
    this.#process?.noteMemory(memoryBytes);
    const reason = notice(watched, memoryBytes);
    if (reason) this.notice(reason);
    const note = judge(watched, now, memoryBytes, false);
    if (note && note.kind !== "orphaned") this.end({ kind: note.kind, seen: note.seen });
  }

  /** Tells the running task, once, that its executor is about to be taken away. */
  notice(reason: string): void {
    if (!this.#work || this.#work.noticed) return;
    this.#work.noticed = true;
    this.#process?.send({ type: "notice", reason });
  }

  /** Ends the process, and says why. */
  end(failure: Failure, atServiceLimit = false): void {
    if (!this.#process) return;
    this.#verdict = { failure, ...(atServiceLimit ? { atServiceLimit: true } : {}) };
    this.#process?.kill();
  }

  /** Tells attempts that nobody waits for them; what still runs after the grace is ended. */
  cancel(assignmentId: string, tasks: readonly number[], graceMs: number): void {
    const work = this.#work;
    if (work?.assignment.id !== assignmentId) return;
    const { runId } = work.assignment;
    for (const task of tasks) if (work.open.has(task)) this.#process?.send({ type: "cancel", runId, task });
    setTimeout(() => {
      const running = this.#process?.running;
      if (this.#work !== work || !running || !tasks.includes(running.task)) return;
      this.end({ kind: "cancelled", seen: "it did not end by itself when it was cancelled" });
    }, graceMs + DEADLINE_GRACE_MS).unref();
  }

  /** Passes on what became of tasks that the running one runs. */
  answer(assignmentId: string, answer: NestedAnswer): void {
    if (this.#work?.assignment.id === assignmentId) this.#process?.send({ type: "answer", answer });
  }

  get pid(): number | undefined {
    return this.#process?.pid;
  }

  /** Since when it has executed what it executes; undefined while that is nothing. */
  get runningSince(): number | undefined {
    return this.#process?.running?.since;
  }

  /** What the running task uses at this moment. */
  get usage(): LiveUsage | undefined {
    return this.#process?.usage;
  }

  /** Ends the process, and whatever it was working on. */
  stop(): void {
    this.#process?.kill();
  }
}

function newOpening(): Opening {
  let settle = (_isOpened: boolean): void => {};
  const opened = new Promise<boolean>((resolve) => {
    settle = resolve;
  });
  return { opened, settle };
}
