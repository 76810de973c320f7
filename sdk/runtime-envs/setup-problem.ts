/** A runtime environment that cannot be made: found where the script runs. */
export class SetupProblem extends Error {
  /** What was written meanwhile, oldest first. */
  readonly log: readonly string[];

  constructor(message: string, log: readonly string[] = []) {
    super(message);
    this.log = log;
  }
}
