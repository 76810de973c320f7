const IDENTIFIER = /^[A-Za-z_$][\w$]*$/;

/** Appends a property to a path as one would write it in code: `a.b`, `a["b c"]`, `a[3]`. */
export function propertyPath(base: string, key: string | number): string {
  if (typeof key === "number") return `${base}[${key}]`;
  return IDENTIFIER.test(key) ? `${base}.${key}` : `${base}[${JSON.stringify(key)}]`;
}
