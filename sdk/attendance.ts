import type { Driver } from "./driver/driver.ts";
import type { RunState } from "./driver/run-state.ts";
import { handleInterrupts } from "./interrupt.ts";
import { keepingAlive } from "./keep-alive.ts";

/** Takes care of Ctrl-C and of abort signals as long as runs of a lab are active. */
export class Attendance {
  readonly #handlesInterrupts: boolean;
  #releaseInterrupts: (() => void) | undefined;
  #active = 0;

  constructor(handlesInterrupts: boolean) {
    this.#handlesInterrupts = handlesInterrupts;
  }

  attend(driver: Driver, state: RunState, signal: AbortSignal | undefined): void {
    const abort = () => driver.cancel(state, false);
    signal?.addEventListener("abort", abort, { once: true });
    if (signal?.aborted) abort();
    this.#active += 1;
    if (this.#handlesInterrupts) {
      this.#releaseInterrupts ??= handleInterrupts({
        drain: () => driver.drainAll(),
        stop: () => driver.cancelAll(),
      });
    }
    void keepingAlive(state.ended).then(() => {
      signal?.removeEventListener("abort", abort);
      this.#active -= 1;
      if (this.#active > 0) return;
      this.#releaseInterrupts?.();
      this.#releaseInterrupts = undefined;
    });
  }
}
