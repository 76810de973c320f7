import { sha256Of } from "../sdk/stores/check.ts";
import { encode } from "../sdk/wire/codec/codec.ts";
import type { CodecExtension, CodecExtensions } from "../sdk/wire/codec/extensions.ts";
import { isContentObject } from "../sdk/wire/keys.ts";
import { ObjectRef } from "../sdk/wire/object-ref.ts";
import { objectReferences } from "../sdk/wire/references.ts";
import { likenessIn } from "../sdk/wire/renamed-streams.ts";
import type { ObjectSlot } from "../sdk/wire/slot.ts";

/** Of a value that names streams: the same for all that name equal ones, whatever these are called. */
export function likenessOf(value: unknown, extensions: CodecExtensions): string {
  const byContent = objectReferences(
    (part) => part instanceof ObjectRef,
    (part) => {
      const { slot } = part as ObjectRef<unknown>;
      // What a task has put lies under a name of its own.
      return { object: likenessIn(slot) ?? (isContentObject(slot.object) ? slot.hash : slot.object) } as ObjectSlot;
    },
  ) as CodecExtension;
  return sha256Of(encode(value, { extensions: [byContent, ...extensions] }).chunks);
}
