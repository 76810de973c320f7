import { writeSync } from "node:fs";
import { type FromExecutor, frameMessage } from "../sdk/wire/channel.ts";

/**
 * An executor's way to its supervisor. It is written synchronously, so what was told survives whatever happens
 * to this process afterwards.
 */
export class MessageWriter {
  readonly #fd: number;
  #gathered: Buffer[] = [];

  constructor(fd: number) {
    this.#fd = fd;
  }

  /** Tells something now, and before it whatever was gathered. */
  write(message: FromExecutor): void {
    this.#gathered.push(frameMessage(message));
    this.flush();
  }

  /**
   * Tells something together with what else is told in this turn of the event loop: results that were committed
   * together are one write here, and one step of the scheduler there.
   */
  gather(message: FromExecutor): void {
    if (this.#gathered.push(frameMessage(message)) === 1) process.nextTick(() => this.flush());
  }

  /** Tells what was gathered, before something begins that may take long or end this process. */
  flush(): void {
    if (this.#gathered.length === 0) return;
    let rest = this.#gathered.length === 1 ? this.#gathered[0] : Buffer.concat(this.#gathered);
    this.#gathered = [];
    while (rest.byteLength > 0) {
      try {
        rest = rest.subarray(writeSync(this.#fd, rest));
      } catch (error) {
        // A supervisor that stopped reading blocks nobody for ever: it is gone, and so are we.
        if ((error as NodeJS.ErrnoException).code !== "EAGAIN") process.exit(1);
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
      }
    }
  }
}
