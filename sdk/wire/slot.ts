/** Where an encoded value lies: in the message itself, or in the object store. */
export type Slot = InlineSlot | ObjectSlot;

export interface InlineSlot {
  readonly inline: Uint8Array;
}

export interface ObjectSlot {
  /** Key in the object store. */
  readonly object: string;
  readonly bytes: number;
  /** What the encoded value is checked by when it is loaded: its SHA-256 in hexadecimal, or of a result its GMAC. */
  readonly hash: string;
  /** Which file of this machine it was written to, and when: one that is still the same has been checked by that. */
  readonly file?: string;
  /** It was put as a stream or a Blob: its bytes are stored as they are, not encoded. */
  readonly raw?: RawBytes;
  /** Cache key of the task that put it, or whose result it is: running that one again brings it back. */
  readonly by?: string;
  /**
   * A task has put it, and it names streams, in other objects as well: equal for what that task puts in its place when
   * it runs again, though streams have another name each time, and so have values that name them.
   */
  readonly like?: string;
}

/** What bytes that are stored as they are become again. */
export type RawBytes =
  | { readonly kind: "stream" }
  | { readonly kind: "blob"; readonly type: string }
  | { readonly kind: "file"; readonly type: string; readonly name: string; readonly lastModified: number };

export const slotBytes = (slot: Slot): number => ("inline" in slot ? slot.inline.byteLength : slot.bytes);
