/** Whether a text is what a pattern says; `*` in it stands for any text. */
export function matches(pattern: string | undefined, text: string | undefined): boolean {
  if (pattern === undefined || pattern === "*") return true;
  if (text === undefined) return false;
  const [first = "", ...rest] = pattern.split("*");
  if (rest.length === 0) return text === pattern;
  const last = rest.pop()!;
  if (!text.startsWith(first) || !text.endsWith(last) || text.length < first.length + last.length) return false;
  let at = first.length;
  for (const part of rest) {
    const found = text.indexOf(part, at);
    if (found < 0 || found + part.length > text.length - last.length) return false;
    at = found + part.length;
  }
  return true;
}
