/** How setting one runtime environment up has gone so far, as long as it never went well. */
interface Trouble {
  failures: number;
  /** Failures that say nothing new: so many were on their way when the first one was told. */
  readonly expected: number;
}

/**
 * Which runtime environments can be set up. What is wrong with one is mostly wrong with it everywhere: when one that
 * has never gone well fails again, all that wait for it need not try, too.
 */
export class Setups {
  readonly #known = new Set<string>();
  readonly #troubled = new Map<string, Trouble>();

  /** An attempt has begun in it. */
  wentWell(runtimeEnv: string): void {
    this.#known.add(runtimeEnv);
    this.#troubled.delete(runtimeEnv);
  }

  /**
   * It failed on one executor.
   *
   * @param inFlight Counts the other assignments in flight that may still be setting it up.
   * @returns Whether it is given up: it failed again where it was begun after the first failure.
   */
  failed(runtimeEnv: string, inFlight: () => number): boolean {
    if (this.#known.has(runtimeEnv)) return false;
    let trouble = this.#troubled.get(runtimeEnv);
    if (!trouble) {
      trouble = { failures: 0, expected: inFlight() + 1 };
      this.#troubled.set(runtimeEnv, trouble);
    }
    trouble.failures += 1;
    if (trouble.failures <= trouble.expected) return false;
    // Somebody may have mended it by the time that a later run wants it.
    this.#troubled.delete(runtimeEnv);
    return true;
  }
}
