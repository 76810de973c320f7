import type { Reporter, TestModule } from "vitest/node";

/** Longer than any file takes on a slow machine. Tests have time-outs of their own, which a blocked thread never sees. */
const LIMIT_MS = 8 * 60_000;

/** Ends the tests when a file does not end, by its name: a suite that hangs says nothing at all. */
export default class StuckFiles implements Reporter {
  readonly #running = new Map<TestModule, NodeJS.Timeout>();

  onTestModuleStart(file: TestModule): void {
    const end = () => {
      const names = [...this.#running.keys()].map((running) => running.relativeModuleId).join(", ");
      process.stderr.write(
        `${file.relativeModuleId} has not ended within ${LIMIT_MS / 60_000} minutes; running: ${names}\n`,
      );
      process.exit(1);
    };
    this.#running.set(file, setTimeout(end, LIMIT_MS).unref());
  }

  onTestModuleEnd(file: TestModule): void {
    clearTimeout(this.#running.get(file));
    this.#running.delete(file);
  }
}
