import { AsyncLocalStorage } from "node:async_hooks";
import { format } from "node:util";
import type { TaskLog } from "../sdk/wire/definition.ts";
import { type LogLevel, writeLogLine } from "./log-lines.ts";

/** Which attempt a piece of code runs for. */
interface Speaker {
  readonly runId: string;
  readonly task: number;
  readonly attempt: number;
}

const speakers = new AsyncLocalStorage<Speaker>();
const write = process.stdout.write.bind(process.stdout);

function say(speaker: Speaker, level: LogLevel, parts: readonly unknown[]): void {
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
}
