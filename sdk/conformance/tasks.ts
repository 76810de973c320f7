/** The tasks that the conformance suite runs on a runner. */
import { spawnSync } from "node:child_process";
import { appendFileSync, closeSync, openSync, readdirSync, readFileSync } from "node:fs";
import { task } from "../task.ts";

export class FlakyError extends Error {
  override readonly name = "FlakyError";
}

/** Gives its params back, whatever they are. */
export const echo = task({ name: "conformance.echo", run: ({ value }: { value: unknown }) => value });

export const add = task({ name: "conformance.add", run: ({ a, b }: { a: number; b: number }) => a + b });

export const sum = task({
  name: "conformance.sum",
  run: ({ values }: { values: readonly number[] }) => values.reduce((total, value) => total + value, 0),
});

/** A typed array of a given size, for results that do not fit a message. */
export const ramp = task({
  name: "conformance.ramp",
  run: ({ length }: { length: number }) => Float64Array.from({ length }, (_, index) => index),
});

export const last = task({
  name: "conformance.last",
  run: ({ values }: { values: Float64Array }) => values[values.length - 1],
});

/** Throws until its third attempt. */
export const flaky = task({
  name: "conformance.flaky",
  runnerOptions: { retryOn: [FlakyError], maxRetries: 3 },
  run: (_: { salt: number }, ctx) => {
    if (ctx.attempt < 3) throw new FlakyError(`attempt ${ctx.attempt}`);
    return ctx.attempt;
  },
});

export const failing = task({
  name: "conformance.failing",
  run: ({ message }: { message: string }): number => {
    throw new RangeError(message, { cause: new TypeError("inside") });
  },
});

export const unserializable = task({
  name: "conformance.unserializable",
  run: (_: { salt: number }): unknown => ({ list: [1, { fn: () => 1 }] }),
});

export const talkative = task({
  name: "conformance.talkative",
  run: ({ words }: { words: string }, ctx) => {
    console.log(`console: ${words}`);
    ctx.log.warn(`log: ${words}`);
    return words.length;
  },
});

/** Has another process write, and writes itself without a line end. */
export const parental = task({
  name: "conformance.parental",
  run: ({ words }: { words: string }) => {
    const code = 'console.log("child: " + process.argv[1]); console.error("child: " + process.argv[1])';
    spawnSync(process.execPath, ["-e", code, words], { stdio: "inherit" });
    process.stdout.write(`parent: ${words}`);
    return words.length;
  },
});

export const seesContext = task({
  name: "conformance.seesContext",
  run: (_: { salt: number }, ctx) => ({ context: ctx.context, attempt: ctx.attempt, runId: ctx.runId }),
});

/** Blocks the event loop for longer than it may. */
export const blocking = task({
  name: "conformance.blocking",
  runnerOptions: { timeoutMs: 300, maxRetries: 0 },
  run: ({ ms }: { ms: number }) => {
    const end = Date.now() + ms;
    while (Date.now() < end);
    return ms;
  },
});

/** Ends its process on the first attempt. */
export const suicidal = task({
  name: "conformance.suicidal",
  runnerOptions: { maxRetries: 2 },
  run: (_: { salt: number }, ctx) => {
    if (ctx.attempt === 1) process.kill(process.pid, "SIGKILL");
    return ctx.attempt;
  },
});

/** Waits until it is told to stop, or for a time. */
export const patient = task({
  name: "conformance.patient",
  run: async ({ ms }: { ms: number }, ctx) => {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      ctx.signal.addEventListener("abort", () => {
        clearTimeout(timer);
        resolve();
      });
    });
    return ctx.signal.aborted;
  },
});

/** Each runs the one below it, so that many wait at once. */
export const nest = task({
  name: "conformance.nest",
  run: async ({ depth, salt }: { depth: number; salt: number }, { lab }): Promise<number> =>
    depth === 0 ? 0 : 1 + (await lab.runTask(nest({ depth: depth - 1, salt }))),
});

/** How often `prepare` was called in this process, and what it found. */
let prepared: string[] = [];

export function prepare(): void {
  prepared = [...prepared, process.env.STAGE ?? "nothing"];
}

export async function neverPrepared(): Promise<void> {
  console.log("about to fail");
  throw new TypeError("not today");
}

/** What a task finds around it. */
const surroundings = () => ({
  stage: process.env.STAGE,
  shared: process.env.SHARED,
  prepared,
});

export const plain = task({ name: "conformance.plain", run: (_: { salt: number }) => surroundings() });

/** With an environment of its own, over the lab's; it changes what it finds. */
export const furnished = task({
  name: "conformance.furnished",
  runtimeEnv: { env: { STAGE: "task" }, setup: "prepare" },
  run: (_: { salt: number }) => {
    const found = surroundings();
    process.env.STAGE = "changed";
    return found;
  },
});

export const unfurnished = task({
  name: "conformance.unfurnished",
  runtimeEnv: { setup: "neverPrepared" },
  run: (_: { salt: number }) => "never",
});

/** The files around it, and one of them. */
export const reader = task({
  name: "conformance.reader",
  run: ({ file }: { file: string; salt: number }) => ({
    files: (readdirSync(".", { recursive: true }) as string[]).sort(),
    text: readFileSync(file, "utf8"),
  }),
});

/** The first attempt of one of them never ends, as the file that it makes shows. */
export const hanging = task({
  name: "conformance.hanging",
  run: async ({ marker, id, ms }: { marker: string; id: number; ms: number }) => {
    const isStuck = id === 0 && makes(marker);
    await new Promise<void>((resolve) => {
      if (isStuck) setInterval(() => {}, 1_000);
      else setTimeout(resolve, ms);
    });
    return id;
  },
});

function makes(file: string): boolean {
  try {
    closeSync(openSync(file, "wx"));
    return true;
  } catch {
    return false;
  }
}

/** Leaves a line in a file for each execution: a count that the system itself has no part in. */
export const counted = task({
  name: "conformance.counted",
  run: ({ file, id }: { file: string; id: number }) => {
    appendFileSync(file, `${id}\n`);
    return id;
  },
});
