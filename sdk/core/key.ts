/** What a result depends on: if any of it differs, so does the key. */
export interface KeyParts {
  readonly namespace: string;
  readonly taskName: string;
  /** Hash of the code that the task reaches, or the version its definition names. */
  readonly version: string;
  /** Canonical encoding of the params; tasks in them stand by their own keys. */
  readonly params: Uint8Array;
}

/** Gives SHA-256 of the bytes in hexadecimal; passed in, since the core imports nothing of Node. */
export type Digest = (bytes: Uint8Array) => string;

/** 128 bits: of 2^40 keys, the odds that any two collide are 1 to 2^49. */
const KEY_DIGITS = 32;
const encoder = new TextEncoder();

/** All parts but the params: tasks of one type have them in common. */
export const namesOf = ({ namespace, taskName, version }: Omit<KeyParts, "params">): Uint8Array =>
  encoder.encode(JSON.stringify([1, namespace, taskName, version]));

/** The cache key of a task: equal parts give equal keys, on every machine. */
export function taskKey(parts: KeyParts, digest: Digest, names = namesOf(parts)): string {
  // The names are preceded by their lengths, so that no two lists of parts give the same bytes.
  const bytes = new Uint8Array(4 + names.byteLength + parts.params.byteLength);
  new DataView(bytes.buffer).setUint32(0, names.byteLength, true);
  bytes.set(names, 4);
  bytes.set(parts.params, 4 + names.byteLength);
  return digest(bytes).slice(0, KEY_DIGITS);
}
