/** Every misfortune that strikes by chance. What a task does by its own nature is in its scenario. */
export const FAULTS = [
  /** The task's code throws, this once. */
  "user-error",
  /** The executor's process dies, with or without a mark of what it was executing. */
  "death",
  /** Out of memory at a size that is enough at other times. */
  "out-of-memory",
  /** Spot capacity is taken away. */
  "eviction",
  /** The attempt goes on until somebody's timer ends it. */
  "hang",
  /** A call is refused as too fast, or for want of capacity. */
  "throttle",
  /** An executor that was asked for does not come. */
  "start-failure",
  /** The connection of an invocation breaks; the invocation goes on. */
  "lost-answer",
  /** One invocation is delivered twice, and both are executed. */
  "second-delivery",
  /** An executor falls silent and is given up, but works on. */
  "zombie",
  /** What was sent to an executor did not reach it, or only the answer to that was lost. */
  "lost-letter",
  /** A kill does not arrive. */
  "lost-kill",
  /** A stored object vanishes. */
  "lost-object",
  /** The driver is told something twice. */
  "duplicate-message",
  /** The driver is told something late, after what was said later. */
  "delayed-message",
  /** The account's limit changes while a run goes on. */
  "quota-change",
  /** An attempt takes far longer than the task usually does. */
  "straggler",
] as const;
export type Fault = (typeof FAULTS)[number];

/** Text to 32 bits: FNV-1a, then the last step of murmur3, since alike texts must not give alike draws. */
function hash(seed: number, text: string): number {
  let mixed = seed ^ 0x811c9dc5;
  for (let index = 0; index < text.length; index++) mixed = Math.imul(mixed ^ text.charCodeAt(index), 0x01000193);
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}

/**
 * Chance, by name instead of by turn: a draw depends on the seed and on what it is about, not on how
 * many were drawn before. So a scenario from which something was taken away goes on as before in
 * everything else, which is what makes histories shrink.
 */
export class Fate {
  /** Faults that struck, in order, each by a name that can be spared. */
  readonly struck: string[] = [];
  readonly counts = new Map<string, number>();
  readonly #seed: number;
  readonly #rates: Readonly<Record<Fault, number>>;
  readonly #spared: ReadonlySet<string>;

  constructor(seed: number, rates: Readonly<Record<Fault, number>>, spared: readonly string[]) {
    this.#seed = seed;
    this.#rates = rates;
    this.#spared = new Set(spared);
  }

  /** Whether a fault strikes its subject. */
  strikes(fault: Fault, subject: string): boolean {
    const rate = this.#rates[fault];
    if (rate === 0) return false;
    const name = `${fault} ${subject}`;
    if (this.#draw(name) >= rate || this.#spared.has(name)) return false;
    this.struck.push(name);
    this.count(fault);
    return true;
  }

  /** Counts what went wrong without chance, such as a task that needs more than it was given. */
  count(what: string): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + 1);
  }

  chance(probability: number, about: string): boolean {
    return this.#draw(about) < probability;
  }

  /** A whole number from 0 to below `bound`. */
  below(bound: number, about: string): number {
    return Math.floor(this.#draw(about) * bound);
  }

  #draw(about: string): number {
    return hash(this.#seed, about) / 2 ** 32;
  }
}
