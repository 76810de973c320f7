/**
 * Names of packs say where their keys lie, where that is a small part of their partition: so whoever looks for one key
 * reads, beside the packs that have keys from anywhere, those of that part only.
 *
 * A name of such a pack begins with a mark that comes after all names of others, and the first digits of its last key.
 */
const MARK = "~";
const DIGITS = 4;
const ALL = 16 ** DIGITS;
/** Of a partition's keys, as a part of which no pack's name is more than. */
export const NARROW_PART = 1 / 16;
const HEX = /^[0-9a-f]*$/;

/** Sort keys from one to another, both left out; undefined for no bound. */
export interface SortKeys {
  readonly after?: string;
  readonly before?: string;
}

/** Where the packs are that may have keys from anywhere, and headers. */
export const WIDE_PACKS: SortKeys = { before: MARK };

/**
 * What the name of a pack begins with; empty where its keys are not close together.
 *
 * @param keys Of its results.
 * @param depth Digits that all keys of its partition have in common.
 */
export function packNamePrefix(keys: readonly string[], depth: number): string {
  let [first, last] = [ALL, -1];
  for (const key of keys) {
    const place = placeOf(key, depth);
    if (place === undefined) return "";
    first = Math.min(first, place);
    last = Math.max(last, place);
  }
  return last - first <= ALL * NARROW_PART ? MARK + digitsOf(last) : "";
}

/** Where the packs are that have their keys close together, and may have this one; undefined where none can be asked for. */
export function narrowPacksOf(key: string, depth: number): SortKeys | undefined {
  const place = placeOf(key, depth);
  if (place === undefined) return undefined;
  const end = place + ALL * NARROW_PART + 1;
  return { after: MARK + digitsOf(place), before: end < ALL ? MARK + digitsOf(end) : `${MARK}g` };
}

function placeOf(key: string, depth: number): number | undefined {
  const digits = key.slice(depth, depth + DIGITS);
  return digits.length === DIGITS && HEX.test(digits) ? Number.parseInt(digits, 16) : undefined;
}

const digitsOf = (place: number): string => place.toString(16).padStart(DIGITS, "0");
