import type { AttemptSpec } from "../sdk/wire/attempt.ts";

/** Attempts that follow each other, since one hands its result on to the next. */
type Line = AttemptSpec[];

/** A process is given work for so long, in milliseconds: longer than it takes to ask for more, and shorter than others wait for it. */
const PIECE_MS = 20;

/**
 * What is left of an assignment, dealt out in pieces to the processes that work on it at once: whoever is done takes
 * the next one. What is handed on stays in one process, in its order.
 */
export class Deal {
  readonly #atOnce: number;
  #lines: Line[];
  /** How long an attempt has taken so far, in milliseconds, with all that comes with it. */
  #msEach: number | undefined;

  constructor(attempts: readonly AttemptSpec[], atOnce: number) {
    this.#atOnce = atOnce;
    // One process has them all in the order they came in.
    this.#lines = atOnce > 1 ? linesOf(attempts) : [[...attempts]];
  }

  /** Lines that nobody has taken. */
  get left(): number {
    return this.#lines.length;
  }

  /** The next piece: a line first, and more where attempts are short, but never so much that others go without. */
  take(): AttemptSpec[] {
    const byTime = this.#msEach === undefined ? 1 : Math.floor(PIECE_MS / Math.max(this.#msEach, 0.001));
    const byShare = Math.floor(this.#lines.length / (2 * this.#atOnce));
    const lines = this.#lines.splice(0, Math.max(1, Math.min(byTime, byShare)));
    return lines.flat();
  }

  /** A piece of so many attempts has taken so long, in milliseconds. */
  took(attempts: number, ms: number): void {
    this.#msEach = ms / attempts;
  }

  /** Takes back what its process has not come to. */
  giveBack(attempts: readonly AttemptSpec[]): void {
    this.#lines.unshift(...linesOf(attempts));
  }

  /** Takes tasks out that nobody has taken, and returns their attempts. */
  drop(tasks: readonly number[]): AttemptSpec[] {
    const dropped = this.#lines.flat().filter(({ task }) => tasks.includes(task));
    this.#lines = this.#lines
      .map((line) => line.filter(({ task }) => !tasks.includes(task)))
      .filter(({ length }) => length > 0);
    return dropped;
  }

  /** Nobody is to take anything more. */
  clear(): void {
    this.#lines = [];
  }
}

/** Attempts that are joined by what they hand on, each line in the order they came in. */
function linesOf(attempts: readonly AttemptSpec[]): Line[] {
  const lines = new Set<Line>();
  const byKey = new Map<string, Line>();
  for (const spec of attempts) {
    const before = new Set<Line>();
    for (const key of spec.handed ?? []) {
      const line = byKey.get(key);
      if (line) before.add(line);
    }
    const [line = [], ...others] = before;
    lines.add(line);
    for (const other of others) {
      lines.delete(other);
      line.push(...other);
      for (const { key } of other) byKey.set(key, line);
    }
    line.push(spec);
    byKey.set(spec.key, line);
  }
  return [...lines];
}
