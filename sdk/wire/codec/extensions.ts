/**
 * How a class that the codec does not know crosses processes. The encoder asks `match`, stores
 * `kind` and what `lower` gives (any encodable value), and the decoder hands that to `raise`.
 */
export interface CodecExtension<T = unknown, D = unknown> {
  /** Stable name in the stored form; one extension a kind. */
  readonly kind: string;
  match(value: object): boolean;
  lower(value: T): D;
  raise(data: D): T;
}

/** The extensions in force for one encode or decode, such as tasks in params. */
export type CodecExtensions = readonly CodecExtension[];
