/** The same data with every Buffer as what it holds: which class binary data arrives in is up to its reader. */
export function withoutBuffers(value: unknown): unknown {
  if (value instanceof Uint8Array) return Uint8Array.from(value);
  if (Array.isArray(value)) return value.map(withoutBuffers);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, withoutBuffers(inner)]));
}
