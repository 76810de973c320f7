/** Longer ones, and those with other characters, are `inspect`'s to quote and to cut. */
const PLAIN_TEXT = /^[\w .,:;/@+=-]{0,100}$/;
const PLAIN_KEY = /^[A-Za-z_]\w*$/;
/** As `inspect` has it: an object with more is broken into lines, or cut. */
const MAX_ENTRIES = 6;

/**
 * A flat object of numbers, truth values and simple texts, as `inspect` prints it; undefined for whatever else. Params
 * are mostly such, and `inspect` takes thirty times as long.
 */
export function plainText(value: unknown): string | undefined {
  if (typeof value !== "object" || value === null || Object.getPrototypeOf(value) !== Object.prototype)
    return undefined;
  if (Object.getOwnPropertySymbols(value).length > 0) return undefined;
  const parts: string[] = [];
  for (const key of Object.keys(value)) {
    const text = textOf((value as Readonly<Record<string, unknown>>)[key]);
    if (text === undefined || !PLAIN_KEY.test(key) || parts.length === MAX_ENTRIES) return undefined;
    parts.push(`${key}: ${text}`);
  }
  return parts.length === 0 ? "{}" : `{ ${parts.join(", ")} }`;
}

function textOf(value: unknown): string | undefined {
  switch (typeof value) {
    case "number":
      return Object.is(value, -0) ? "-0" : String(value);
    case "boolean":
    case "undefined":
      return String(value);
    case "string":
      return PLAIN_TEXT.test(value) ? `'${value}'` : undefined;
    default:
      return value === null ? "null" : undefined;
  }
}
