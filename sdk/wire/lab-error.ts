/**
 * Base of every error that stratolab throws. `kind` says what happened in one stable word, so a
 * caller can compare it where `instanceof` fails (another copy of the library, another process).
 *
 * @example
 * try {
 *   await lab.runTasks(tasks);
 * } catch (error) {
 *   if (error instanceof LabError && error.kind === "infeasible") console.error(error.message);
 * }
 */
export class LabError extends Error {
  /** What happened: a failure kind of a task, or a kind of the call itself such as `invalid-option`. */
  readonly kind: string;

  constructor(kind: string, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = new.target.name;
    this.kind = kind;
  }
}
