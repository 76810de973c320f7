/**
 * Runs that tasks have opened, did not wait for, and left behind when they were done. They go on for the runs that
 * wanted the task, and end when the last of those is cancelled.
 */
export class LeftRuns {
  readonly #heirs = new Map<number, Set<number>>();

  /**
   * A task is done.
   *
   * @param opened Runs that it has opened: what was left to one of them is left to the heirs, too.
   * @param goingOn Those of them that have not ended.
   * @param heirs Runs that wanted the task.
   */
  leave(opened: readonly number[], goingOn: readonly number[], heirs: readonly number[]): void {
    for (const run of goingOn) this.#heirs.set(run, new Set(heirs));
    for (const others of this.#heirs.values()) {
      for (const run of opened) if (others.delete(run)) for (const heir of heirs) others.add(heir);
    }
  }

  ended(run: number): void {
    this.#heirs.delete(run);
  }

  /**
   * A run is cancelled as a whole.
   *
   * @returns Runs that nobody has any interest in from now on.
   */
  cancelled(run: number): number[] {
    const alone: number[] = [];
    for (const [left, heirs] of this.#heirs) {
      if (!heirs.delete(run) || heirs.size > 0) continue;
      this.#heirs.delete(left);
      alone.push(left);
    }
    return alone;
  }
}
