import { atMark, type LogLine, readLogLine, readSign, type Speaker } from "./log-lines.ts";

type Stream = "stdout" | "stderr";

interface Listener {
  /** A task's log line, or a line of other output that is known to be of a task. */
  onLog(line: LogLine): void;
  /** A line of output of which it is not known whose it is. */
  onOutput(line: string, from: Stream): void;
  /** A line without a mark on standard error. */
  onError(line: string): void;
}

/** How long an outcome waits at most for what its attempt has said, in milliseconds: tasks may close their output. */
const WAIT_MS = 1_000;

/** Makes out what an executor's output says, and of which attempt it is. */
export class OutputReader {
  readonly #listener: Listener;
  readonly #speakers: { [S in Stream]?: Speaker } = {};
  /** Number of the last attempt whose speech was read to its end. */
  readonly #silent = { stdout: 0, stderr: 0 };
  #waiting: { readonly spoken: number; readonly act: () => void }[] = [];
  #patience: NodeJS.Timeout | undefined;

  constructor(listener: Listener) {
    this.#listener = listener;
  }

  read(line: string, from: Stream): void {
    const [before, marked] = atMark(line);
    const sign = readSign(marked);
    const logLine = sign ? undefined : readLogLine(marked);
    if (!sign && !logLine) {
      this.#plain(line, from);
      return;
    }
    if (before !== "") this.#plain(before, from);
    if (logLine) this.#listener.onLog(logLine);
    else if (sign && "speaks" in sign) this.#speakers[from] = sign.speaks;
    else if (sign) this.#fellSilent(sign.silent, from);
  }

  #plain(text: string, from: Stream): void {
    if (from === "stderr") this.#listener.onError(text);
    const speaker = this.#speakers[from];
    if (speaker) this.#listener.onLog({ ...speaker, level: from === "stderr" ? "error" : "info", text });
    else this.#listener.onOutput(text, from);
  }

  #fellSilent(number: number, from: Stream): void {
    delete this.#speakers[from];
    this.#silent[from] = Math.max(this.#silent[from], number);
    this.#goOn();
  }

  /** Does something when all is read that was said until the end of an attempt; in the order of the calls. */
  afterSpeech(spoken: number, act: () => void): void {
    if (this.#waiting.length === 0 && spoken <= this.#heard) {
      act();
      return;
    }
    this.#waiting.push({ spoken, act });
    this.#goOn();
  }

  get #heard(): number {
    return Math.min(this.#silent.stdout, this.#silent.stderr);
  }

  /** Nothing more will come. */
  end(): void {
    this.#goOn(Number.POSITIVE_INFINITY);
  }

  #goOn(heard = this.#heard): void {
    clearTimeout(this.#patience);
    while (this.#waiting.length > 0 && this.#waiting[0].spoken <= heard) this.#waiting.shift()?.act();
    if (this.#waiting.length === 0) return;
    this.#patience = setTimeout(() => this.#giveUp(), WAIT_MS);
  }

  /** Where this process has not been run for so long, what was said lies in the pipes: they are read before. */
  #giveUp(): void {
    setImmediate(() => {
      if (this.#waiting.length > 0 && this.#waiting[0].spoken > this.#heard) this.end();
    });
  }
}
