/**
 * A fault plan that is refused, before anything of it takes effect. The message says what is wrong,
 * what was given, what is allowed, and how to mend it.
 */
export class FaultPlanError extends Error {
  override readonly name = "FaultPlanError";
}
