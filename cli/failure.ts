/** What went wrong, in one line: a user of a command wants no stack trace. */
export function explainFailure(error: unknown): string {
  const { message } = error as { message?: string };
  const [line] = (message || String(error)).split("\n");
  return line;
}
