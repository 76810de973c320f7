import type { Slot } from "../wire/slot.ts";
import type { Attribute, Item } from "./control-table.ts";

/*
 * A slot as attributes of an item. Their names are short because they are paid for: an item up to 1 KB
 * costs one write unit.
 */

/** `v` for a value, `p` for params, `m` for a manifest, `c` for what code is made of. */
type SlotPrefix = "v" | "p" | "m" | "c";

export function slotAttributes(prefix: SlotPrefix, slot: Slot): Record<string, Attribute> {
  const attributes: Record<string, Attribute> = {};
  setSlot(attributes, prefix, slot);
  return attributes;
}

/** Adds them to those of an item. */
export function setSlot(attributes: Record<string, Attribute>, prefix: SlotPrefix, slot: Slot): void {
  if ("inline" in slot) {
    attributes[prefix] = slot.inline;
    return;
  }
  attributes[`${prefix}o`] = slot.object;
  attributes[`${prefix}b`] = slot.bytes;
  attributes[`${prefix}h`] = slot.hash;
}

export function slotOf(prefix: SlotPrefix, item: Item): Slot {
  const inline = item[prefix];
  // A copy: a store may hand out windows on memory that it uses again.
  if (inline instanceof Uint8Array) return { inline: new Uint8Array(inline) };
  return { object: String(item[`${prefix}o`]), bytes: Number(item[`${prefix}b`]), hash: String(item[`${prefix}h`]) };
}
