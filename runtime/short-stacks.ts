/** Causes of causes that are looked at. */
const DEEPEST = 10;

/**
 * Where the frames of this folder's files are, as stacks name it: what called a task says nothing of the task. Asked for
 * with the first error, since the first stack of a process takes long.
 */
let ownFolder: string | undefined;
const folderOfThis = () =>
  /\(?([^\s()]+)[\\/][^\\/]+:\d+:\d+\)?$/.exec(new Error().stack?.split("\n")[1] ?? "")?.[1] ?? "";

/** A stack up to where the library has called the task. */
function shortened(stack: string): string {
  ownFolder ??= folderOfThis();
  const own = ownFolder;
  if (own === "") return stack;
  const lines = stack.split("\n");
  const isOwn = (line: string) => /^\s+at /.test(line) && (line.includes(`${own}/`) || line.includes(`${own}\\`));
  const first = lines.findIndex((line) => /^\s+at /.test(line));
  const end = lines.findIndex(isOwn);
  // What the library itself has thrown is told whole.
  return end <= first ? stack : lines.slice(0, end).join("\n");
}

/** Does something while the stacks of an error and of its causes end at the task; they are as they were afterwards. */
export function withShortStacks<T>(error: Error, run: () => T): T {
  const restore: (() => void)[] = [];
  for (let each: unknown = error; each instanceof Error && restore.length < DEEPEST; each = each.cause) {
    const own = each;
    const { stack } = own;
    if (typeof stack !== "string") continue;
    try {
      own.stack = shortened(stack);
      restore.push(() => {
        own.stack = stack;
      });
    } catch {
      // It is frozen.
      break;
    }
  }
  try {
    return run();
  } finally {
    for (const each of restore) each();
  }
}
