/**
 * How log lines of tasks travel on an executor's standard output: a mark, then JSON. A pipe to
 * standard output is written synchronously, so the last words before a crash arrive. Lines without
 * the mark come from whatever else writes there: native code, child processes. On whose behalf is told
 * by signs before and behind them, on standard error too.
 */
const MARK = "\u001e";

const LEVELS = ["debug", "info", "warn", "error"] as const;
export type LogLevel = (typeof LEVELS)[number];

/** Which attempt a piece of code runs for. */
export interface Speaker {
  readonly runId: string;
  readonly task: number;
  readonly attempt: number;
}

/** One log line of a task. */
export interface LogLine extends Speaker {
  readonly level: LogLevel;
  readonly text: string;
}

/** Lines without a mark are some attempt's from here on; or the n-th that said something has ended. */
export type Sign = { readonly speaks: Speaker } | { readonly silent: number };

export const writeSign = (sign: Sign): string => `${MARK}${JSON.stringify(sign)}\n`;

/** The sign in a line of output, or undefined when it is none. */
export function readSign(line: string): Sign | undefined {
  if (!line.startsWith(`${MARK}{`)) return undefined;
  try {
    const { speaks, silent } = JSON.parse(line.slice(1));
    if (Number.isInteger(silent)) return { silent };
    const { runId, task, attempt } = speaks;
    const isOurs = typeof runId === "string" && Number.isInteger(task) && Number.isInteger(attempt);
    return isOurs ? { speaks: { runId, task, attempt } } : undefined;
  } catch {
    return undefined;
  }
}

/** Parts what was written without a line end before a mark from what stands behind it. */
export function atMark(line: string): readonly [before: string, marked: string] {
  const at = line.lastIndexOf(MARK);
  return at > 0 ? [line.slice(0, at), line.slice(at)] : ["", line];
}

/** Longest text of one line; what is behind is cut, and said to be. */
const MAX_TEXT = 16_000;

export function writeLogLine({ runId, task, attempt, level, text }: LogLine): string {
  const cut = text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}… (${text.length - MAX_TEXT} characters cut)` : text;
  return `${MARK}${JSON.stringify([runId, task, attempt, level, cut])}\n`;
}

/** The log line in a line of output, or undefined when it is no task's. */
export function readLogLine(line: string): LogLine | undefined {
  if (!line.startsWith(MARK)) return undefined;
  try {
    const [runId, task, attempt, level, text] = JSON.parse(line.slice(1)) as unknown[];
    // Anybody may write a mark: what is shown must at least be of the right kinds.
    const isOurs =
      typeof runId === "string" &&
      typeof task === "number" &&
      typeof attempt === "number" &&
      LEVELS.includes(level as LogLevel) &&
      typeof text === "string";
    return isOurs ? { runId, task, attempt, level: level as LogLevel, text } : undefined;
  } catch {
    return undefined;
  }
}
