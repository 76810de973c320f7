const EVERY_MS = { terminal: 200, lines: 10_000 };

/** How far long work has got, on stderr: a line that changes on a terminal, one now and then elsewhere. */
export class Progress {
  readonly #of: number;
  readonly #isTerminal = process.stderr.isTTY;
  #shownAt = Date.now();
  #isShown = false;

  constructor(of: number) {
    this.#of = of;
  }

  at(done: number, violated: number): void {
    const now = Date.now();
    if (now - this.#shownAt < (this.#isTerminal ? EVERY_MS.terminal : EVERY_MS.lines)) return;
    this.#shownAt = now;
    this.#isShown = true;
    const text = `${done} of ${this.#of} seeds, ${violated} with a violated invariant`;
    process.stderr.write(this.#isTerminal ? `\r\x1b[K${text}` : `${text}\n`);
  }

  end(): void {
    if (this.#isTerminal && this.#isShown) process.stderr.write("\r\x1b[K");
  }
}
