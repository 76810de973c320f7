/** Where an encoded value lies: in the message itself, or in the object store. */
export type Slot = InlineSlot | ObjectSlot;

export interface InlineSlot {
  readonly inline: Uint8Array;
}

export interface ObjectSlot {
  /** Key in the object store. */
  readonly object: string;
  readonly bytes: number;
  /** SHA-256 of the encoded value in hexadecimal, checked when it is loaded. */
  readonly hash: string;
}

export const slotBytes = (slot: Slot): number => ("inline" in slot ? slot.inline.byteLength : slot.bytes);
