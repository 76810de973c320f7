import type { ServerResponse } from "node:http";

/** A comment so often, in milliseconds, so that a connection that is gone is noticed. */
const SIGN_OF_LIFE_MS = 15_000;
/** A page that reads so slowly, in bytes behind, is cut off; it asks again where it was. */
const MAX_BEHIND_BYTES = 64 * 1024 * 1024;

/** Server-sent events to one page, as long as `next` gives some. */
export class EventStream {
  readonly #response: ServerResponse;
  readonly #timer: NodeJS.Timeout;
  isOpen = true;

  constructor(response: ServerResponse) {
    this.#response = response;
    response.writeHead(200, { "content-type": "text/event-stream; charset=utf-8" });
    response.write("retry: 1000\n\n");
    this.#timer = setInterval(() => response.write(": still here\n\n"), SIGN_OF_LIFE_MS).unref();
    response.on("close", () => this.close());
  }

  /** @param id Where the page is with it; it says so when it asks again. */
  send(event: string, data: unknown, id?: number): void {
    if (!this.isOpen) return;
    if (this.#response.writableLength > MAX_BEHIND_BYTES) {
      this.close();
      return;
    }
    // JSON has no line break that is not escaped, so one line is enough.
    const head = id === undefined ? "" : `id: ${id}\n`;
    this.#response.write(`${head}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
  }

  close(): void {
    this.isOpen = false;
    clearInterval(this.#timer);
    this.#response.end();
  }

  /** Resolves after a while, or when the page has gone. */
  pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(done, ms);
      timer.unref();
      const response = this.#response;
      response.once("close", done);
      function done() {
        clearTimeout(timer);
        response.off("close", done);
        resolve();
      }
    });
  }
}
