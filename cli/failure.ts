import { explainAccess } from "../sdk/runners/aws/aws-errors.ts";
import { LabError } from "../sdk/wire/lab-error.ts";

/** What went wrong, in one line: a user of a command wants no stack trace. */
export function explainFailure(error: unknown): string {
  // A bucket as storage is asked without the stack, which would have said it.
  const known = error instanceof LabError ? error : (explainAccess(error, "read the storage") ?? error);
  const { message } = known as { message?: string };
  const [line] = (message || String(known)).split("\n");
  return line;
}
