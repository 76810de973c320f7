import type { Driver } from "./driver/driver.ts";
import type { RunState } from "./driver/run-state.ts";
import { handleInterrupts } from "./interrupt.ts";
import { keepingAlive } from "./keep-alive.ts";

/** Ctrl-C is listened to for so long after the last run, in milliseconds: of many short ones each would begin and end it anew. */
const LISTENING_ON_MS = 100;

/** Takes care of Ctrl-C and of abort signals as long as runs of a lab are active. */
export class Attendance {
  readonly #handlesInterrupts: boolean;
  #releaseInterrupts: (() => void) | undefined;
  #listening: NodeJS.Timeout | undefined;
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
        isMeant: () => this.#active > 0,
        drain: () => driver.drainAll(),
        stop: () => driver.cancelAll(),
      });
    }
    void keepingAlive(state.ended).then(() => {
      signal?.removeEventListener("abort", abort);
      this.#active -= 1;
      if (this.#active === 0) this.#listening ??= setTimeout(() => this.#listenNoMore(), LISTENING_ON_MS).unref();
    });
  }

  #listenNoMore(): void {
    this.#listening = undefined;
    if (this.#active > 0) return;
    this.#releaseInterrupts?.();
    this.#releaseInterrupts = undefined;
  }
}
