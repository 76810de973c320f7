import { type CodecExtensions, extensionFor } from "./extensions.ts";
import { isIrregularArray, ownsItsBuffer, shapeOf } from "./shapes.ts";

/** Nesting up to here is packed as it is; deeper parts go to the table of shared values. */
export const MAX_DEPTH = 200;

export interface Scan {
  /** The value is JSON-like through and through: msgpack can take it as it is. */
  readonly plain: boolean;
  /** Containers met more than once, in a cycle or by two owners. */
  readonly shared: ReadonlySet<object>;
  /** Something in it cannot be encoded; `inspectSerializability` finds out what and where. */
  readonly unsupported: boolean;
}

const isOdd = (value: unknown) =>
  Object.is(value, -0) || typeof value === "bigint" || (typeof value === "string" && !value.isWellFormed());

function keysAreSorted(keys: readonly string[]): boolean {
  for (let index = 1; index < keys.length; index++) if (keys[index - 1] > keys[index]) return false;
  return true;
}

const PLAIN: Scan = { plain: true, shared: new Set(), unsupported: false };

/** A plain object of plain primitives, as most params and results are: nothing has to be remembered on the way. */
function isFlat(root: object, canonical: boolean): boolean {
  if (Object.getPrototypeOf(root) !== Object.prototype) return false;
  const keys = Object.keys(root);
  if (canonical && !keysAreSorted(keys)) return false;
  return keys.every((key) => {
    const value = (root as Record<string, unknown>)[key];
    if (key === "__proto__" || !key.isWellFormed()) return false;
    if (typeof value === "object") return value === null;
    return typeof value !== "function" && typeof value !== "symbol" && !isOdd(value);
  });
}

/** One pass over a value, without recursion, that decides how it can be encoded. */
export function scan(root: unknown, extensions: CodecExtensions, canonical: boolean): Scan {
  if (typeof root !== "object" || root === null) {
    const unsupported = typeof root === "function" || typeof root === "symbol";
    return { plain: !unsupported && !isOdd(root), shared: PLAIN.shared, unsupported };
  }
  if (isFlat(root, canonical)) return PLAIN;
  const shared = new Set<object>();
  const seen = new Set<object>();
  const stack: object[] = [];
  const depths: number[] = [];
  let plain = true;
  let unsupported = false;

  const visit = (value: unknown, depth: number) => {
    if (typeof value === "object" && value !== null) {
      if (seen.has(value)) {
        shared.add(value);
        plain = false;
        return;
      }
      seen.add(value);
      stack.push(value);
      depths.push(depth);
    } else if (typeof value === "function" || typeof value === "symbol") {
      unsupported = true;
    } else if (plain && isOdd(value)) {
      plain = false;
    }
  };

  visit(root, 1);
  while (stack.length > 0 && !unsupported) {
    const value = stack.pop() as object;
    const depth = depths.pop() as number;
    if (depth > MAX_DEPTH) plain = false;
    const extension = extensionFor(value, extensions);
    if (extension) {
      plain = false;
      try {
        visit(extension.lower(value), depth + 1);
      } catch {
        unsupported = true;
      }
      continue;
    }
    const shape = shapeOf(value);
    switch (shape) {
      case undefined:
        unsupported = true;
        break;
      case "object": {
        const keys = Object.keys(value);
        if (canonical && plain && !keysAreSorted(keys)) plain = false;
        for (const key of keys) {
          if (key === "__proto__" || !key.isWellFormed()) plain = false;
          visit((value as Record<string, unknown>)[key], depth + 1);
        }
        break;
      }
      case "array":
        if (isIrregularArray(value as unknown[])) {
          plain = false;
          for (const key of Object.keys(value)) visit((value as unknown as Record<string, unknown>)[key], depth + 1);
        } else {
          for (const element of value as unknown[]) visit(element, depth + 1);
        }
        break;
      case "map":
        plain = false;
        for (const [key, element] of value as Map<unknown, unknown>) {
          visit(key, depth + 1);
          visit(element, depth + 1);
        }
        break;
      case "set":
        plain = false;
        for (const element of value as Set<unknown>) visit(element, depth + 1);
        break;
      case "error":
        plain = false;
        visit((value as Error).cause, depth + 1);
        if (value instanceof AggregateError) visit(value.errors, depth + 1);
        break;
      case "buffer":
        plain = false;
        break;
      case "view":
        plain = false;
        // The memory below counts as a value of its own: met twice, it is stored once.
        if (ownsItsBuffer(value as ArrayBufferView)) visit((value as ArrayBufferView).buffer, depth + 1);
        break;
      default:
        plain = false;
    }
  }
  return { plain: plain && !unsupported, shared, unsupported };
}
