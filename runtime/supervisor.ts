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
import { treeMemory } from "./memory.ts";
import { DEADLINE_GRACE_MS, judge, notice } from "./watch.ts";

export interface SupervisorOptions {
  /** Names the executor in evidence and marks its processes. */
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

export interface AssignmentListener {
  report(report: AttemptReport): void;
  log(line: WireLogLine): void;
  /** The running task runs tasks. */
  nested(message: FromExecutor & { readonly type: "nested" }): void;
}

/** How often memory and deadlines are looked at by default, in milliseconds. */
const POLL_MS = 100;
/** Memory that is left to the kernel by default: supervisor and executor must stay under the rest. */
const MARGIN_MB = 24;
const MARGIN_SHARE = 0.05;

interface Verdict {
  readonly failure: Failure;
  readonly atServiceLimit?: true;
}

/** The assignment being worked on. */
interface Work {
  readonly assignment: Assignment;
  readonly listener: AssignmentListener;
  readonly open: Set<number>;
  readonly since: number;
  /** The running task was told to save its state. */
  noticed: boolean;
  resolve(end: AssignmentEnd): void;
}

/**
 * Stands above an executor process in the cloud and stays responsive when user code does not. It
 * hands assignments down, ends attempts that are out of time or memory, and tells what killed those
 * that died. The process is started anew when it is gone, or when another bundle is to be loaded.
 */
export class Supervisor {
  readonly #options: SupervisorOptions;
  #process: ExecutorProcess | undefined;
  #bundle: string | undefined;
  /** What the process sets up at present, and since when. */
  #settingUp: { readonly timeoutMs: number; readonly since: number } | undefined;
  #processes = 0;
  #work: Work | undefined;
  /** Code of a suspended attempt is in the process, and would go on beside the attempt that takes its place. */
  #hasLeftovers = false;
  /** Why the process is being killed, when it is us who kill it. */
  #verdict: Verdict | undefined;

  constructor(options: SupervisorOptions) {
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
        });
      },
    });
    return child;
  }

  /**
   * Works off one assignment.
   *
   * @param deadline When the service ends this executor, in milliseconds since the epoch.
   */
  async run(
    assignment: Assignment,
    listener: AssignmentListener,
    deadline = Number.POSITIVE_INFINITY,
  ): Promise<AssignmentEnd> {
    this.#open(assignment);
    const done = new Promise<AssignmentEnd>((resolve) => {
      const open = new Set(assignment.attempts.map(({ task }) => task));
      this.#work = { assignment, listener, open, since: Date.now(), noticed: false, resolve };
    });
    this.#process?.send({ type: "assign", assignment });
    const { pollMs = POLL_MS } = assignment.memoryMonitor || {};
    const timer = setInterval(() => this.#watch(deadline), pollMs);
    try {
      return await done;
    } finally {
      clearInterval(timer);
    }
  }

  /** Ends the process, whatever it still does; the next assignment gets another one. */
  #dismiss(): void {
    const old = this.#process;
    this.#process = undefined;
    this.#bundle = undefined;
    this.#hasLeftovers = false;
    old?.kill();
  }

  #open({ bundle: hash, runtimeEnv }: Assignment): void {
    const bundle = runtimeEnv ? `${hash} in ${runtimeEnv.id}` : hash;
    // A process cannot forget modules: another bundle, or environment, gets a process of its own.
    if (this.#process && this.#bundle !== undefined && this.#bundle !== bundle) this.#dismiss();
    this.#process ??= this.#start();
    if (this.#bundle === bundle) return;
    this.#bundle = bundle;
    const { id, stores } = this.#options;
    this.#settingUp = runtimeEnv && { timeoutMs: runtimeEnv.setupTimeoutMs, since: Date.now() };
    // A folder of its own, also where several executors share a disk, as on the local AWS.
    const folder = join(tmpdir(), "stratolab", "runtime-envs", id);
    const env = runtimeEnv && { runtimeEnv: { spec: runtimeEnv, folder, isOwn: true } };
    this.#process.send({ type: "open", bundleHash: hash, stores, ...env });
  }

  #message(message: FromExecutor): void {
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
      case "open-failed": {
        const { kind, message: seen, log } = message;
        const isKnown = kind === "start-failed" || kind === "setup-failed";
        this.#verdict = { failure: { kind: isKnown ? kind : "executor-lost", seen, ...(log ? { log } : {}) } };
        this.#process?.kill();
        break;
      }
      case "opened":
        this.#settingUp = undefined;
        break;
    }
  }

  #output(text: string, level: "info" | "error"): void {
    const work = this.#work;
    const task = this.#process?.running?.task;
    if (!work || task === undefined) return;
    const attempt = work.assignment.attempts.find((spec) => spec.task === task)?.attempt ?? 1;
    work.listener.log({ at: Date.now(), runId: work.assignment.runId, task, attempt, level, text });
  }

  #finish(end: AssignmentEnd): void {
    const work = this.#work;
    this.#work = undefined;
    work?.resolve(end);
  }

  /** Looks whether the running attempt has to end. */
  #watch(deadline: number): void {
    const { assignment } = this.#work ?? {};
    const pid = this.#process?.pid;
    if (!assignment || pid === undefined || this.#verdict) return;
    const now = Date.now();
    if (now > deadline - noticeBeforeMs(deadline, this.#work?.since ?? now))
      this.notice("the service is about to end the executor");
    if (now > deadline) {
      this.#end({ kind: "timeout", seen: "cut at the longest that the service allows" }, true);
      return;
    }
    if (this.#settingUp && now - this.#settingUp.since > this.#settingUp.timeoutMs) {
      this.#end(setupTimeout(this.#settingUp.timeoutMs, this.#process?.said ?? []));
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
      memoryLimitBytes: memoryLimitMb(this.#options.memoryMb, assignment.memoryMonitor) * 2 ** 20,
    };
    const memory = treeMemory(pid);
    this.#process?.noteMemory(memory);
    const reason = notice(watched, memory);
    if (reason) this.notice(reason);
    const note = judge(watched, now, memory, false);
    if (note && note.kind !== "orphaned") this.#end({ kind: note.kind, seen: note.seen });
  }

  /** Tells the running task, once, that its executor is about to be taken away. */
  notice(reason: string): void {
    if (!this.#work || this.#work.noticed) return;
    this.#work.noticed = true;
    this.#process?.send({ type: "notice", reason });
  }

  #end(failure: Failure, atServiceLimit = false): void {
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
      this.#end({ kind: "cancelled", seen: "it did not end by itself when it was cancelled" });
    }, graceMs + DEADLINE_GRACE_MS).unref();
  }

  /** Passes on what became of tasks that the running one runs. */
  answer(assignmentId: string, answer: NestedAnswer): void {
    if (this.#work?.assignment.id === assignmentId) this.#process?.send({ type: "answer", answer });
  }

  /** What the running task uses at this moment. */
  get usage(): LiveUsage | undefined {
    return this.#process?.usage;
  }

  get isWorking(): boolean {
    return this.#work !== undefined;
  }

  /** Ends the process, and whatever it was working on. */
  stop(): void {
    this.#process?.kill();
  }
}

/** How long before a deadline a task is told of it: a tenth of the time there was, 5 s to 60 s. */
function noticeBeforeMs(deadline: number, since: number): number {
  return Math.min(60_000, Math.max(5_000, (deadline - since) / 10));
}

/** Memory that the process below may use, in MB, of an executor of this size; 0 for no bound of ours. */
function memoryLimitMb(memoryMb: number, monitor: Assignment["memoryMonitor"]): number {
  if (monitor === false) return 0;
  const marginMb = monitor?.marginMb ?? Math.max(MARGIN_MB, memoryMb * MARGIN_SHARE);
  const supervisorMb = process.memoryUsage.rss() / 2 ** 20;
  return Math.max(32, memoryMb - supervisorMb - marginMb);
}
