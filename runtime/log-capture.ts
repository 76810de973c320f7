import { AsyncLocalStorage } from "node:async_hooks";
import { format } from "node:util";
import type { TaskLog } from "../sdk/wire/definition.ts";
import { type LogLevel, type Speaker, writeLogLine, writeSign } from "./log-lines.ts";

const speakers = new AsyncLocalStorage<Speaker>();
const write = process.stdout.write.bind(process.stdout);
const writeError = process.stderr.write.bind(process.stderr);

/** Whom output is put down to that has no mark of its own. */
let announced: Speaker | undefined;
/** Whether something was said since the last attempt ended, and how many attempts have said something. */
let hasSpoken = false;
let spoken = 0;

function say(speaker: Speaker, level: LogLevel, parts: readonly unknown[]): void {
  hasSpoken = true;
  write(writeLogLine({ ...speaker, level, text: format(...parts) }));
}

/** Runs something with everything it logs, however deep and late, put down to this attempt. */
export function speakingFor<T>(speaker: Speaker, run: () => T): T {
  return speakers.run(speaker, run);
}

/** `ctx.log` of an attempt. */
export function taskLog(speaker: Speaker): TaskLog {
  const at =
    (level: LogLevel) =>
    (...parts: unknown[]) =>
      say(speaker, level, parts);
  return { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
}

/** Before something else than this module writes to the executor's output: tells on whose behalf. */
export function announceSpeaker(): void {
  const speaker = speakers.getStore();
  if (!speaker || speaker === announced) return;
  announced = speaker;
  hasSpoken = true;
  for (const tell of [write, writeError]) tell(writeSign({ speaks: speaker }));
}

/**
 * The attempt is over, and whatever it has started: its output ends here.
 *
 * @returns Number of the sign that ends it, for those who wait until all of it is read; 0 where it said nothing.
 */
export function endOfSpeech(): number {
  if (!hasSpoken) return 0;
  hasSpoken = false;
  announced = undefined;
  spoken += 1;
  for (const tell of [write, writeError]) tell(writeSign({ silent: spoken }));
  return spoken;
}

/** Makes `console` speak for the attempt that calls it; outside of attempts it stays as it is. */
export function captureConsole(): void {
  const levels = { debug: "debug", log: "info", info: "info", warn: "warn", error: "error", trace: "error" } as const;
  for (const [method, level] of Object.entries(levels) as [keyof typeof levels, LogLevel][]) {
    const original = console[method].bind(console);
    console[method] = (...parts: unknown[]) => {
      const speaker = speakers.getStore();
      if (speaker) say(speaker, level, parts);
      else original(...parts);
    };
  }
  for (const stream of [process.stdout, process.stderr]) {
    const original = stream.write;
    stream.write = function announcing(this: unknown, ...args: unknown[]): boolean {
      announceSpeaker();
      return Reflect.apply(original, stream, args) as boolean;
    } as typeof stream.write;
  }
}
