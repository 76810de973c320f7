import { types } from "node:util";
import { isArrowTable } from "./arrow.ts";
import { Segments } from "./segments.ts";

/** Constructors of the views a value may hold, by the name stored with them. */
export const VIEWS = {
  Int8Array,
  Uint8Array,
  Uint8ClampedArray,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  Float32Array,
  Float64Array,
  BigInt64Array,
  BigUint64Array,
  DataView,
  Buffer,
} as const;
export type ViewName = keyof typeof VIEWS;

/** Stored name of a view, or undefined for a view class the codec does not know. */
export function viewName(view: ArrayBufferView): ViewName | undefined {
  if (Buffer.isBuffer(view)) return "Buffer";
  const tag = Object.prototype.toString.call(view).slice(8, -1);
  return Object.hasOwn(VIEWS, tag) ? (tag as ViewName) : undefined;
}

/** Whether a view's memory may be stored whole: Node hands out small Buffers from one pool. */
export function ownsItsBuffer(view: ArrayBufferView): boolean {
  return !(Buffer.isBuffer(view) && view.byteLength < view.buffer.byteLength);
}

/**
 * A plain object: written `{…}` in code, in this realm or another, or without a prototype. An
 * instance of a class is not, since its methods would be lost on the way.
 */
export function isPlainObject(value: object): boolean {
  const prototype = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype || Object.getPrototypeOf(prototype) === null;
}

export type Shape = "array" | "object" | "map" | "set" | "date" | "regexp" | "error" | "buffer" | "view" | "segments";

/** Which of the known shapes an object has; undefined for what cannot be encoded. */
export function shapeOf(value: object): Shape | undefined {
  // The two kinds that make up nearly every value come first; the questions below are dearer.
  if (Object.getPrototypeOf(value) === Object.prototype) return "object";
  if (Array.isArray(value)) return "array";
  if (ArrayBuffer.isView(value))
    return viewName(value) && !types.isSharedArrayBuffer(value.buffer) ? "view" : undefined;
  if (types.isMap(value)) return "map";
  if (types.isSet(value)) return "set";
  if (types.isDate(value)) return "date";
  if (types.isRegExp(value)) return "regexp";
  if (types.isNativeError(value)) return "error";
  if (types.isArrayBuffer(value)) return "buffer";
  if (value instanceof Segments) return "segments";
  if (types.isPromise(value) || types.isBoxedPrimitive(value)) return undefined;
  return isPlainObject(value) ? "object" : undefined;
}

/** What a value that cannot be encoded is, in words for an error message. */
export function describeUnsupported(value: unknown): string {
  if (typeof value === "function") {
    return /^class\b/.test(Function.prototype.toString.call(value))
      ? `the class ${value.name || "(anonymous)"}`
      : `the function ${value.name || "(anonymous)"}`;
  }
  if (typeof value === "symbol") return `the symbol ${value.description ?? ""}`.trim();
  if (types.isPromise(value)) return "a Promise; await it first";
  if (value instanceof Blob) return "a Blob; store it with put, and pass the object ref";
  if (isStream(value)) return "a stream; store it with put, and pass the object ref";
  if (isArrowTable(value as object)) {
    return "an Apache Arrow Table; import apache-arrow in the module of your tasks, so that it is there on both sides";
  }
  if (ArrayBuffer.isView(value) && types.isSharedArrayBuffer(value.buffer)) {
    return "a view of shared memory; pass a copy of it, such as its slice()";
  }
  if (types.isSharedArrayBuffer(value)) return "shared memory; pass a copy of it";
  const name = (value as object)?.constructor?.name;
  return name ? `an instance of the class ${name}` : "an object of an unknown kind";
}

/** Node's streams, those of the web, and whatever else gives its parts over time. */
export const isStream = (value: unknown): value is AsyncIterable<unknown> =>
  typeof (value as Partial<AsyncIterable<unknown>> | undefined)?.[Symbol.asyncIterator] === "function";

/** Longer arrays are not asked for foreign properties: listing a million keys takes longer than encoding them. */
const FOREIGN_PROPERTY_CHECK_MAX = 32;

/**
 * Whether an array has holes, or own properties beside its elements as the result of a regular
 * expression's match has. Of arrays longer than 32 elements, such properties are not looked for.
 */
export function isIrregularArray(array: readonly unknown[]): boolean {
  if (array.length <= FOREIGN_PROPERTY_CHECK_MAX) {
    const keys = Object.keys(array);
    return keys.length !== array.length || (keys.length > 0 && keys[keys.length - 1] !== String(array.length - 1));
  }
  for (let index = 0; index < array.length; index++) {
    if (array[index] === undefined && !Object.hasOwn(array, index)) return true;
  }
  return false;
}
