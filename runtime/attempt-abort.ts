/** Tells an attempt to stop. What its task listens to is made when it is looked at: most tasks do not, and it takes longer than they do. */
export class AttemptAbort {
  #controller: AbortController | undefined;
  /** Why it is to stop; undefined while it is not. */
  reason: Error | undefined;

  get signal(): AbortSignal {
    if (!this.#controller) {
      this.#controller = new AbortController();
      if (this.reason) this.#controller.abort(this.reason);
    }
    return this.#controller.signal;
  }

  /** The first reason counts. */
  abort(reason: Error): void {
    this.reason ??= reason;
    this.#controller?.abort(this.reason);
  }
}
