/** The value, if it is a whole number in the range; else an error that says what would be one. */
export function wholeNumber(
  name: string,
  value: number,
  range: { readonly from: number; readonly to: number },
): number {
  if (Number.isInteger(value) && value >= range.from && value <= range.to) return value;
  throw new Error(
    `${name} needs a whole number from ${range.from} to ${range.to}. Got ${value}. Choose one in that range.`,
  );
}

/** The value, if it is one of those; else an error that lists them. */
export function oneOf<T extends string | number>(name: string, value: string | number, allowed: readonly T[]): T {
  const found = allowed.find((each) => each === value);
  if (found !== undefined) return found;
  throw new Error(`${name} needs one of ${allowed.join(", ")}. Got ${JSON.stringify(value)}. Choose one of those.`);
}
