import { randomInt } from "node:crypto";

const ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz";
const BITS_OF_LETTER = 5;
const DRAWN_LETTERS = 6;
const RUN_ID = /^\d{8}-\d{9}-[0-9a-z]{6}$/;

/** A clock that was set back by more than this, in milliseconds, is followed. */
const SET_BACK_MS = 1_000;
let latest = 0;

/** Sorts by time, and says when, down to the millisecond: `20261121-022500123-k3f9x2`. */
export function newRunId(): string {
  // No two of a process in one millisecond, so that its runs are in order.
  const now = Date.now();
  latest = now > latest || now < latest - SET_BACK_MS ? now : latest + 1;
  const iso = new Date(latest).toISOString();
  const date = iso.slice(0, 4) + iso.slice(5, 7) + iso.slice(8, 10);
  const time = iso.slice(11, 13) + iso.slice(14, 16) + iso.slice(17, 19) + iso.slice(20, 23);
  // One number for all letters: Node has such ones in store, where bytes are asked of the system each time.
  const drawn = randomInt(2 ** (BITS_OF_LETTER * DRAWN_LETTERS));
  let suffix = "";
  for (let place = 0; place < DRAWN_LETTERS; place++) {
    suffix += ALPHABET[(drawn >>> (place * BITS_OF_LETTER)) % ALPHABET.length];
  }
  return `${date}-${time}-${suffix}`;
}

export const isRunId = (text: string): boolean => RUN_ID.test(text);

/** The day in UTC on which a run got its id: `20261121`. */
export const dayOfRun = (runId: string): string => runId.slice(0, 8);

/** What of a run's id was drawn: `k3f9x2`. */
export const drawnPart = (runId: string): string => runId.slice(-6);

/** The day in UTC of a moment in milliseconds since the epoch. */
export const dayOf = (atMs: number): string => new Date(atMs).toISOString().slice(0, 10).replaceAll("-", "");
