import { totalmem } from "node:os";
import { asSetupEnd, setupTimeout } from "../../../runtime/env-failures.ts";
import { ExecutorProcess, type ProcessDeath } from "../../../runtime/executor-process.ts";
import type { Bundle } from "../../bundle/bundle.ts";
import { classifyProcessEnd } from "../../core/classify.ts";
import { packageFile } from "../../package-files.ts";
import type { Assignment } from "../../wire/attempt.ts";
import type { FromExecutor } from "../../wire/channel.ts";
import type { LiveUsage } from "../../wire/live-usage.ts";
import type { NestedAnswer } from "../../wire/nested.ts";
import type { Failure, SharedFailure } from "../../wire/outcome.ts";
import type { RuntimeEnvSpec } from "../../wire/runtime-env.ts";
import type { StoreAddress } from "../../wire/store-address.ts";
import type { RunnerEvent } from "../runner.ts";
import { runtimeEnvFolder } from "./bundle-file.ts";

type Opened = FromExecutor & { type: "opened" | "open-failed" };

/** What an executor loads, and the stores that it works on. */
export interface LocalCode {
  readonly bundlePath: string;
  readonly bundle: Bundle;
  readonly address: StoreAddress;
}

interface LocalExecutorOptions {
  readonly id: string;
  /** Absent: it is told later, by `load`; its process starts meanwhile. */
  readonly code?: LocalCode | undefined;
  /** It is for attempts in a runtime environment: the first of them says which, and only then the bundle is loaded. */
  readonly hasRuntimeEnv?: boolean;
  report(event: RunnerEvent): void;
  /** It is gone: by a failure, or because it was stopped. Not called for a process that was replaced. */
  onDeath(failure: SharedFailure | undefined): void;
}

/** A process whose memory has grown beyond this share of an attempt's limit is replaced before it. */
const STALE_MEMORY = 0.6;
/** Large allocations in pages of 2 MB: a new array of 100 MB is there in half the time (glibc; others ignore it). */
const LARGE_PAGES = { GLIBC_TUNABLES: "glibc.malloc.hugetlb=1" };
/** Time for a process to leave by itself, in milliseconds. */
const LEAVE_MS = 2_000;

/** One executor of the local runner: a process, and the next one when that one has to go. */
export class LocalExecutor {
  readonly id: string;
  readonly #options: LocalExecutorOptions;
  #code: LocalCode | undefined;
  #process: ExecutorProcess;
  #opened: Promise<Opened>;
  /** Assignments handed over and not finished, oldest first: their attempts without an outcome. */
  readonly #work: { readonly assignment: Assignment; readonly open: Set<number> }[] = [];
  #peakMemoryMb = 0;
  #stopping = false;
  #processes = 0;
  /** What the process sets up at present, and until when; the time begins when the process is there. */
  #settingUp: { readonly timeoutMs: number; late?: NodeJS.Timeout } | undefined;
  #isTold = false;
  /** Its process has ended, and no other was started. */
  #isGone = false;

  constructor(options: LocalExecutorOptions) {
    this.id = options.id;
    this.#options = options;
    this.#code = options.code;
    [this.#process, this.#opened] = this.#start();
  }

  /** How loading the bundle went. */
  get opened(): Promise<Opened> {
    return this.#opened;
  }

  #start(): [ExecutorProcess, Promise<Opened>] {
    let resolveOpened: (opened: Opened) => void = () => {};
    const opened = new Promise<Opened>((resolve) => {
      resolveOpened = resolve;
    });
    const generation = ++this.#processes;
    const heapMb = Math.floor((totalmem() / 2 ** 20) * 0.75);
    const child = new ExecutorProcess({
      // Its own mark: what a replaced process leaves behind must not be mistaken for the next one.
      id: `${this.id}.${generation}`,
      entry: packageFile("dist/runtime/local.js"),
      // The watchdog bounds memory per attempt; V8's own bound must not get in before it. An executor is one of as many
      // as there are cores: four threads of its own beside it would only be in the others' way.
      nodeOptions: [`--max-old-space-size=${heapMb}`, "--v8-pool-size=2"],
      env: { ...LARGE_PAGES, ...process.env },
      onMessage: (message) => {
        if (message.type === "outcome") this.#outcome(message);
        else if (message.type === "nested") this.#options.report(message);
        else if (message.type === "setting-up") this.#boundSetUp(child);
        else {
          this.#clearSetUp();
          resolveOpened(message);
          if (message.type === "open-failed" && this.#options.hasRuntimeEnv && generation === this.#processes) {
            const { message: seen, log } = message;
            const kind = message.kind === "start-failed" ? message.kind : "setup-failed";
            this.#giveUp({ kind, seen, ...(log ? { log } : {}) });
          }
        }
      },
      onLog: (line) => this.#options.report({ type: "log", executor: this.id, at: Date.now(), ...line }),
      onOutput: (text, from) => this.#output(text, from === "stderr" ? "error" : "info"),
      onDeath: (death) => {
        resolveOpened({ type: "open-failed", kind: "start-failed", message: describeStartFailure(death) });
        if (generation === this.#processes) this.#died(death);
      },
    });
    this.#isTold = false;
    this.#isGone = false;
    if (!this.#options.hasRuntimeEnv && this.#code) this.#open(child, this.#code, undefined);
    return [child, opened];
  }

  /** The code that it was started for is there. */
  load(code: LocalCode): void {
    this.#code = code;
    this.#open(this.#process, code, undefined);
  }

  #open(child: ExecutorProcess, code: LocalCode, spec: RuntimeEnvSpec | undefined): void {
    const { bundlePath, bundle, address } = code;
    this.#isTold = true;
    const env = spec && { runtimeEnv: { spec, folder: runtimeEnvFolder(address), isOwn: false } };
    const local = { path: bundlePath, root: bundle.root };
    child.send({ type: "open", bundleHash: bundle.hash, local, stores: address, ...env });
    if (spec) this.#settingUp = { timeoutMs: spec.setupTimeoutMs };
  }

  #boundSetUp(child: ExecutorProcess): void {
    const settingUp = this.#settingUp;
    if (!settingUp || child !== this.#process) return;
    const { timeoutMs } = settingUp;
    settingUp.late = setTimeout(() => this.#giveUp(setupTimeout(timeoutMs, child.said)), timeoutMs).unref();
  }

  #clearSetUp(): boolean {
    const wasSettingUp = this.#settingUp !== undefined;
    clearTimeout(this.#settingUp?.late);
    this.#settingUp = undefined;
    return wasSettingUp;
  }

  /** Its environment cannot be set up: nothing of what waits for it has begun. */
  #giveUp(failure: Failure): void {
    this.#clearSetUp();
    for (const { assignment } of this.#work.splice(0)) {
      this.#options.report({ type: "assignment-failed", assignment: assignment.id, failure });
    }
    this.#stopping = true;
    this.#process.kill();
  }

  assign(assignment: Assignment, memoryMb: number | undefined): void {
    const idle = this.#work.length === 0;
    this.#work.push({ assignment, open: new Set(assignment.attempts.map(({ task }) => task)) });
    // What earlier tasks left in memory must not be held against this one.
    if (idle && memoryMb !== undefined && this.#peakMemoryMb > memoryMb * STALE_MEMORY) this.#replace();
    if (!this.#isTold && this.#code) this.#open(this.#process, this.#code, assignment.runtimeEnv);
    this.#process.send({ type: "assign", assignment });
  }

  get usage(): LiveUsage | undefined {
    return this.#process.usage;
  }

  /** Tells the running attempt what became of tasks that it runs. */
  answer(answer: NestedAnswer): void {
    this.#process.send({ type: "answer", answer });
  }

  #replace(): void {
    const old = this.#process;
    this.#clearSetUp();
    [this.#process, this.#opened] = this.#start();
    this.#peakMemoryMb = 0;
    old.end();
    setTimeout(() => old.kill(), LEAVE_MS).unref();
  }

  /** Lets attempts know that nobody waits for them; if one still runs after the grace, its process goes. */
  cancel(assignmentId: string, runId: string, tasks: readonly number[], graceMs: number): void {
    const work = this.#work.find(({ assignment }) => assignment.id === assignmentId);
    if (!work) return;
    for (const task of tasks) if (work.open.has(task)) this.#process.send({ type: "cancel", runId, task });
    const child = this.#process;
    const check = () => {
      const running = child === this.#process ? child.running?.task : undefined;
      if (running === undefined || !tasks.includes(running)) return;
      this.#stopping = true;
      child.kill();
    };
    if (graceMs === 0) check();
    else setTimeout(check, graceMs).unref();
  }

  /** Ends the process; resolves when it is gone. */
  async stop(): Promise<void> {
    this.#stopping = true;
    if (this.#isGone) return;
    const gone = new Promise<void>((resolve) => {
      this.#onGone = resolve;
    });
    if (this.#work.length > 0) this.#process.kill();
    else this.#process.end();
    const late = setTimeout(() => this.#process.kill(), LEAVE_MS);
    await gone;
    clearTimeout(late);
  }

  #onGone = () => {};

  #outcome({ assignment, task, attempt, outcome }: FromExecutor & { type: "outcome" }): void {
    const at = this.#work.findIndex((work) => work.assignment.id === assignment);
    const work = this.#work[at];
    if (work) {
      work.open.delete(task);
      if (work.open.size === 0) this.#work.splice(at, 1);
    }
    this.#peakMemoryMb = Math.max(this.#peakMemoryMb, outcome.usage?.peakMemoryMb ?? 0);
    this.#options.report({ type: "outcome", assignment, task, attempt, outcome });
  }

  /** Output without a sender is put down to the attempt that is running. */
  #output(text: string, level: "info" | "error"): void {
    const task = this.#process.running?.task;
    const work = this.#work.find(({ open }) => task !== undefined && open.has(task));
    if (!work || task === undefined) return;
    const spec = work.assignment.attempts.find((candidate) => candidate.task === task);
    const { runId } = work.assignment;
    const attempt = spec?.attempt ?? 1;
    this.#options.report({ type: "log", executor: this.id, at: Date.now(), runId, task, attempt, level, text });
  }

  #died(death: ProcessDeath): void {
    const wasSettingUp = this.#clearSetUp();
    this.#work.length = 0;
    this.#isGone = true;
    this.#onGone();
    const culprit = death.culprit === undefined ? {} : { culprit: death.culprit };
    const end = classifyProcessEnd(death);
    const failure = wasSettingUp ? asSetupEnd(end, death.said) : { ...end, ...culprit };
    this.#options.onDeath(this.#stopping ? undefined : failure);
  }
}

function describeStartFailure(death: ProcessDeath): string {
  const { seen } = classifyProcessEnd(death);
  const tail = death.errorTail.join("\n");
  return `an executor process ended while it loaded the task module: ${seen}${tail ? `\n${tail}` : ""}`;
}
