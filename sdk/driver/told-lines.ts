import { ChronicleReader } from "../stores/chronicle.ts";
import type { Stores } from "../stores/stores.ts";
import type { WireLogLine } from "../wire/feed.ts";

/** What makes a log line itself. Tasks have other numbers with each driver, so they are no part of it. */
type Line = Pick<WireLogLine, "at" | "attempt" | "level" | "text">;

const textOf = ({ at, attempt, level, text }: Line): string => `${at} ${attempt} ${level} ${text}`;

/** The log lines that earlier drivers of a run have written down: whoever reads their feed again meets them again. */
export class ToldLines {
  readonly #counts = new Map<string, number>();
  /** When the last of what they have written down happened, in milliseconds since the epoch. */
  until = 0;

  static async read(stores: Stores, namespace: string, runId: string): Promise<ToldLines> {
    const told = new ToldLines();
    for (const event of await new ChronicleReader(stores, namespace, runId).read()) {
      told.until = Math.max(told.until, event.at);
      if (event.type === "log") told.add(event);
    }
    return told;
  }

  add(line: Line): void {
    const text = textOf(line);
    this.#counts.set(text, (this.#counts.get(text) ?? 0) + 1);
  }

  /** Whether a line is written down already. Lines that are alike are as many as were written. */
  take(line: Line): boolean {
    const text = textOf(line);
    const count = this.#counts.get(text) ?? 0;
    if (count > 0) this.#counts.set(text, count - 1);
    return count > 0;
  }
}
