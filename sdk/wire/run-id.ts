import { randomBytes } from "node:crypto";

const ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz";
const RUN_ID = /^\d{8}-\d{9}-[0-9a-z]{6}$/;

/** A clock that was set back by more than this, in milliseconds, is followed. */
const SET_BACK_MS = 1_000;
let latest = 0;

/** Sorts by time, and says when, down to the millisecond: `20261121-022500123-k3f9x2`. */
export function newRunId(): string {
  // No two of a process in one millisecond, so that its runs are in order.
  const now = Date.now();
  latest = now > latest || now < latest - SET_BACK_MS ? now : latest + 1;
  const [date, time] = new Date(latest).toISOString().split("T");
  const suffix = Array.from(randomBytes(6), (byte) => ALPHABET[byte % ALPHABET.length]).join("");
  return `${date.replaceAll("-", "")}-${time.replace(/\D/g, "")}-${suffix}`;
}

export const isRunId = (text: string): boolean => RUN_ID.test(text);

/** The day in UTC on which a run got its id: `20261121`. */
export const dayOfRun = (runId: string): string => runId.slice(0, 8);

/** What of a run's id was drawn: `k3f9x2`. */
export const drawnPart = (runId: string): string => runId.slice(-6);

/** The day in UTC of a moment in milliseconds since the epoch. */
export const dayOf = (atMs: number): string => new Date(atMs).toISOString().slice(0, 10).replaceAll("-", "");
