import { type ChildProcess, spawn } from "node:child_process";
import type { Socket } from "node:net";
import type { Readable, Writable } from "node:stream";
import { type FromExecutor, frameMessage, MessageReader, type ToExecutor } from "../sdk/wire/channel.ts";
import type { LiveUsage } from "../sdk/wire/live-usage.ts";
import { ExecutorEnv } from "../sdk/wire/protocol.ts";
import type { LogLine } from "./log-lines.ts";
import { type Mark, MarkFile } from "./mark.ts";
import { onLines } from "./output-lines.ts";
import { OutputReader } from "./output-reader.ts";
import { Family, signal, strays } from "./process-tree.ts";
import { UsageMeter } from "./usage-meter.ts";
import type { DeathNote } from "./watch.ts";

/** How an executor process ended, as its supervisor saw it. */
export interface ProcessDeath {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  /** What its watchdog left, if that ended it. */
  readonly note?: DeathNote;
  /** The task it was executing. */
  readonly culprit?: number;
  /** Its last lines on standard error, where V8 and native code say why they give up. */
  readonly errorTail: readonly string[];
  /** What it wrote last that was no task's, on both streams. */
  readonly said: readonly string[];
}

export interface ExecutorProcessOptions {
  readonly id: string;
  /** File of the executor's entry. */
  readonly entry: string;
  /** Arguments behind the entry. */
  readonly entryArguments?: readonly string[];
  /** Arguments of Node before the entry. */
  readonly nodeOptions: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly cwd?: string;
  onMessage(message: FromExecutor): void;
  /** A task's log line. */
  onLog(line: LogLine): void;
  /** A line of other output. */
  onOutput(line: string, from: "stdout" | "stderr"): void;
  /** The process is gone, and everything it started. Called once. */
  onDeath(death: ProcessDeath): void;
}

/** V8 says first what it lacks, and then shows a native stack of some twenty lines. */
const TAIL_LINES = 100;

/**
 * An executor process, seen from the supervisor above it: messages, log lines, death. It leads a
 * process group of its own, so that Ctrl-C in a terminal does not reach it, and ends with all that its
 * tasks started.
 */
export class ExecutorProcess {
  readonly id: string;
  readonly #child: ChildProcess;
  readonly #input: Writable;
  readonly #options: ExecutorProcessOptions;
  readonly #errorTail: string[] = [];
  readonly #said: string[] = [];
  readonly #output: OutputReader;
  readonly #mark: MarkFile;
  readonly #family: Family | undefined;
  readonly #endLooks: (() => void) | undefined;
  #note: DeathNote | undefined;
  #meter: UsageMeter | undefined;

  constructor(options: ExecutorProcessOptions) {
    this.id = options.id;
    this.#options = options;
    this.#output = new OutputReader({
      onLog: options.onLog,
      onOutput: (line, from) => {
        note(this.#said, line);
        options.onOutput(line, from);
      },
      onError: (line) => note(this.#errorTail, line),
    });
    this.#mark = new MarkFile(options.id);
    this.#child = spawn(process.execPath, [...options.nodeOptions, options.entry, ...(options.entryArguments ?? [])], {
      // In order: standard input, output and error, messages, outcomes, the watchdog's note, the mark.
      stdio: ["ignore", "pipe", "pipe", "pipe", "pipe", "pipe", this.#mark.fd],
      env: { ...options.env, [ExecutorEnv.executor]: options.id },
      detached: true,
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    });
    this.#family = this.#child.pid === undefined ? undefined : new Family(this.#child.pid);
    this.#endLooks = this.#family?.keepLooking();
    const [, , , input, outcomes, notes] = this.#child.stdio as unknown as [
      null,
      Readable,
      Readable,
      Writable,
      Readable,
      Readable,
    ];
    this.#input = input;
    // Writing to a process that has just died is no error: its death is about to be told.
    input.on("error", () => {});
    this.#readOutcomes(outcomes);
    onLines(notes, (line) => {
      this.#note = JSON.parse(line) as DeathNote;
    });
    onLines(this.#child.stdout as Readable, (line) => this.#output.read(line, "stdout"));
    onLines(this.#child.stderr as Readable, (line) => this.#output.read(line, "stderr"));
    this.#child.on("error", (error) => this.#errorTail.push(error.message));
    // `close` comes when all pipes are read to their end: nothing it said is lost.
    this.#child.on("close", (exitCode, signalName) => this.#died(exitCode, signalName));
    this.#child.on("exit", () => this.#endStrays());
    // Idle executors do not keep a script alive that forgot to close its lab.
    this.#child.unref();
    for (const stream of this.#child.stdio) (stream as Socket | null)?.unref();
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** The task it is executing right now, and since when. */
  get running(): Mark | undefined {
    return this.#mark.read();
  }

  /** What it wrote last that was no task's, oldest first. */
  get said(): readonly string[] {
    return this.#said;
  }

  /** What it uses at this moment, while it executes a task. */
  get usage(): LiveUsage | undefined {
    const { pid, running } = this;
    if (pid === undefined || !running) return undefined;
    this.#meter ??= new UsageMeter(pid);
    return this.#meter.look(running, Date.now());
  }

  /** Its supervisor has looked at its memory, in bytes. */
  noteMemory(bytes: number): void {
    const { pid, running } = this;
    if (pid === undefined || !running) return;
    this.#meter ??= new UsageMeter(pid);
    this.#meter.note(running, bytes, Date.now());
  }

  send(message: ToExecutor): void {
    if (this.#input.writable) this.#input.write(frameMessage(message));
  }

  /** Asks it to leave: it exits as soon as its channel is closed. */
  end(): void {
    this.#input.end();
  }

  /** Ends it at once, with everything that its tasks started. */
  kill(): void {
    this.#signalGroup("SIGKILL");
    this.#endStrays();
  }

  #readOutcomes(outcomes: Readable): void {
    const reader = new MessageReader<FromExecutor>();
    outcomes.on("data", (piece: Buffer) => {
      for (const message of reader.push(piece)) {
        // What an attempt has said comes before its outcome: when that is told, nobody may listen any more.
        const spoken = message.type === "outcome" ? message.spoken : undefined;
        this.#output.afterSpeech(spoken ?? 0, () => this.#options.onMessage(message));
      }
    });
  }

  #signalGroup(name: NodeJS.Signals): void {
    if (this.#child.pid === undefined) return;
    // A negative pid is the group; on Windows there are no groups.
    if (process.platform === "win32") this.#child.kill(name);
    else signal(-this.#child.pid, name);
  }

  #endStrays(): void {
    this.#signalGroup("SIGKILL");
    this.#family?.kill();
    for (const pid of strays(this.id)) signal(pid, "SIGKILL");
  }

  #died(exitCode: number | null, signalName: NodeJS.Signals | null): void {
    this.#endLooks?.();
    this.#output.end();
    const culprit = this.#mark.read()?.task;
    this.#mark.close();
    this.#options.onDeath({
      exitCode,
      signal: signalName,
      errorTail: this.#errorTail,
      said: this.#said,
      ...(culprit === undefined ? {} : { culprit }),
      ...(this.#note ? { note: this.#note } : {}),
    });
  }
}

function note(tail: string[], line: string): void {
  tail.push(line);
  if (tail.length > TAIL_LINES) tail.shift();
}
