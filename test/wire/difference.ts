import { types } from "node:util";

const kindOf = (value: object): string => {
  if (Buffer.isBuffer(value)) return "Buffer";
  return types.isNativeError(value) ? "Error" : Object.prototype.toString.call(value);
};

/**
 * The first difference between two values, as strictly as structured cloning has it: -0 is not 0, a hole
 * is not undefined, and whatever is one object here has to be one object there. Any depth, any cycles.
 */
export function findDifference(actualRoot: unknown, expectedRoot: unknown): string | undefined {
  const twins = new Map<object, object>();
  const known = new Set<object>();
  const stack: [actual: unknown, expected: unknown, path: string][] = [[actualRoot, expectedRoot, "value"]];
  for (let next = stack.pop(); next; next = stack.pop()) {
    const [actual, expected, path] = next;
    // Paths of very deep values would themselves fill the memory.
    const at = (part: string) => (path.length < 200 ? `${path}${part}` : path);
    if (typeof expected !== "object" || expected === null || typeof actual !== "object" || actual === null) {
      if (!Object.is(actual, expected)) return `${path} is ${String(actual)}, not ${String(expected)}`;
      continue;
    }
    const twin = twins.get(expected);
    if (twin !== undefined) {
      if (twin !== actual) return `${path} is no longer the same object as elsewhere`;
      continue;
    }
    if (known.has(actual)) return `${path} is the same object as elsewhere, and was not`;
    twins.set(expected, actual);
    known.add(actual);
    if (kindOf(actual) !== kindOf(expected)) return `${path} is ${kindOf(actual)}, not ${kindOf(expected)}`;
    if (ArrayBuffer.isView(expected) || types.isArrayBuffer(expected)) {
      if (!Buffer.from(bytesOf(actual)).equals(bytesOf(expected))) return `${path} has other bytes`;
    } else if (types.isDate(expected)) {
      stack.push([(actual as Date).getTime(), expected.getTime(), at(".getTime()")]);
    } else if (types.isRegExp(expected)) {
      if (String(actual) !== String(expected)) return `${path} is ${String(actual)}, not ${String(expected)}`;
    } else if (types.isMap(expected)) {
      const entries = [...(actual as Map<unknown, unknown>)];
      if (entries.length !== expected.size) return `${path} has ${entries.length} entries, not ${expected.size}`;
      [...expected].forEach(([key, value], index) => {
        stack.push([entries[index][0], key, at(` key ${index}`)], [entries[index][1], value, at(` value ${index}`)]);
      });
    } else if (types.isSet(expected)) {
      const elements = [...(actual as Set<unknown>)];
      if (elements.length !== expected.size) return `${path} has ${elements.length} elements, not ${expected.size}`;
      [...expected].forEach((element, index) => {
        stack.push([elements[index], element, at(` element ${index}`)]);
      });
    } else if (types.isNativeError(expected)) {
      const error = actual as Error;
      if (error instanceof AggregateError !== expected instanceof AggregateError) return `${path} is of another class`;
      for (const key of ["name", "message", "stack", "cause", "errors"] as const) {
        stack.push([(error as AggregateError)[key], (expected as AggregateError)[key], at(`.${key}`)]);
      }
    } else {
      const keys = Object.keys(expected);
      if (JSON.stringify(Object.keys(actual)) !== JSON.stringify(keys)) {
        return `${path} has the keys ${Object.keys(actual)}, not ${keys}`;
      }
      if (Array.isArray(expected)) stack.push([(actual as unknown[]).length, expected.length, at(".length")]);
      for (const key of keys) {
        const ownValue = (owner: object) => Object.getOwnPropertyDescriptor(owner, key)?.value as unknown;
        stack.push([ownValue(actual), ownValue(expected), at(`[${JSON.stringify(key)}]`)]);
      }
    }
  }
  return undefined;
}

function bytesOf(value: object): Uint8Array {
  if (ArrayBuffer.isView(value)) return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  return new Uint8Array(value as ArrayBuffer);
}
