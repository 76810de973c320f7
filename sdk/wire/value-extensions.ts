import { registeredClasses } from "./codec/classes.ts";
import type { CodecExtension, CodecExtensions } from "./codec/extensions.ts";
import { ObjectRef } from "./object-ref.ts";
import { objectReferences } from "./references.ts";
import type { ObjectSlot } from "./slot.ts";

/** Handles in values stay handles. */
const handles: CodecExtension = {
  ...(objectReferences(
    (value) => value instanceof ObjectRef,
    (value) => (value as ObjectRef<unknown>).slot,
  ) as CodecExtension),
  raise: (slot) => new ObjectRef(slot as ObjectSlot),
};

/**
 * What any value may hold beside plain data: handles, and instances of classes with a codec.
 *
 * @param classes The codecs that count: those of this copy of the library, unless a bundle has its own.
 */
export const valueExtensions = (classes: CodecExtension = registeredClasses): CodecExtensions => [handles, classes];
