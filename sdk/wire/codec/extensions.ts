/**
 * How a class that the codec does not know crosses processes. The encoder asks `match`, stores
 * `kind` and what `lower` gives (any encodable value), and the decoder hands that to `raise`. Plain
 * objects and arrays are never asked about.
 */
export interface CodecExtension<T = unknown, D = unknown> {
  /** Stable name in the stored form; one extension a kind. */
  readonly kind: string;
  match(value: object): boolean;
  lower(value: T): D;
  /** The part of what `lower` gave that its user knows of, for the paths in errors. Default all. */
  content?(data: D): unknown;
  raise(data: D): T;
}

/** The extensions in force for one encode or decode, such as tasks in params. */
export type CodecExtensions = readonly CodecExtension[];

/** The extension that takes care of an object. */
export function extensionFor(value: object, extensions: CodecExtensions): CodecExtension | undefined {
  if (extensions.length === 0) return undefined;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === Object.prototype || prototype === Array.prototype) return undefined;
  return extensions.find((candidate) => candidate.match(value));
}
