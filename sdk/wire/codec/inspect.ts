import { valueExtensions } from "../value-extensions.ts";
import { type CodecExtensions, extensionFor } from "./extensions.ts";
import { propertyPath } from "./paths.ts";
import { describeUnsupported, shapeOf } from "./shapes.ts";

/** One part of a value that cannot cross processes. */
export interface SerializabilityIssue {
  /** Where it is, as one would write it in code: `value.items[3].fn`. */
  readonly path: string;
  /** What it is: `the function fn`, `an instance of the class Socket`. */
  readonly what: string;
}

/** Every part of a value that cannot be encoded, outermost first, at most `limit` of them. */
export function findUnsupported(
  root: unknown,
  rootPath: string,
  extensions: CodecExtensions,
  limit = 100,
): SerializabilityIssue[] {
  const issues: SerializabilityIssue[] = [];
  const seen = new Set<object>();
  const queue: [unknown, string][] = [[root, rootPath]];
  /** A property may have a getter, and that throw. */
  const look = (value: object, key: string, path: string) => {
    try {
      queue.push([(value as Record<string, unknown>)[key], path]);
    } catch (error) {
      issues.push({ path, what: `a property whose getter threw: ${error instanceof Error ? error.message : error}` });
    }
  };
  for (let index = 0; index < queue.length && issues.length < limit; index++) {
    const [value, path] = queue[index];
    if (typeof value === "function" || typeof value === "symbol") {
      issues.push({ path, what: describeUnsupported(value) });
      continue;
    }
    if (typeof value !== "object" || value === null || seen.has(value)) continue;
    seen.add(value);
    const extension = extensionFor(value, extensions);
    if (extension) {
      try {
        const lowered = extension.lower(value);
        queue.push([extension.content ? extension.content(lowered) : lowered, path]);
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error);
        issues.push({ path, what: `${describeUnsupported(value)}, whose codec threw: ${why}` });
      }
      continue;
    }
    switch (shapeOf(value)) {
      case undefined:
        issues.push({ path, what: describeUnsupported(value) });
        break;
      case "object":
        for (const key of Object.keys(value)) look(value, key, propertyPath(path, key));
        break;
      case "array":
        for (const key of Object.keys(value)) {
          look(value, key, propertyPath(path, /^\d+$/.test(key) ? Number(key) : key));
        }
        break;
      case "map":
        for (const [key, element] of value as Map<unknown, unknown>) {
          queue.push(
            [key, `${path} key`],
            [element, `${path}.get(${typeof key === "object" ? "…" : JSON.stringify(String(key))})`],
          );
        }
        break;
      case "set":
        for (const element of value as Set<unknown>) queue.push([element, `${path} element`]);
        break;
      case "error":
        queue.push([(value as Error).cause, propertyPath(path, "cause")]);
        if (value instanceof AggregateError) queue.push([value.errors, propertyPath(path, "errors")]);
        break;
      default:
    }
  }
  return issues;
}

/**
 * Lists every part of a value that could not cross to another process, and why; empty when all of
 * it can. Functions, symbols, Promises, Blobs, streams and instances of classes without a codec
 * ({@link registerCodec}) cannot.
 *
 * @param value Anything: params, a result, a context.
 * @param name How to call the value itself in the paths. Default `value`.
 * @example
 * inspectSerializability({ fit: () => 1 }); // [{ path: "value.fit", what: "the function fit" }]
 */
export function inspectSerializability(value: unknown, name = "value"): SerializabilityIssue[] {
  return findUnsupported(value, name, valueExtensions());
}
