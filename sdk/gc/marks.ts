import { createHash } from "node:crypto";

const INITIAL_SLOTS = 1 << 16;
const MAX_FILLED = 0.6;

/**
 * A set of names as 48-bit hashes: 8 bytes a slot, 14 to 27 bytes a name, whatever the names' length. Two
 * names of one hash keep something that could go, and lose nothing: among a million names there is one such
 * pair in 500 sets.
 */
export class Marks {
  /** 0 is an empty slot. */
  #slots = new Float64Array(INITIAL_SLOTS);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  has(name: string): boolean {
    const hash = hashOf(name);
    return this.#slots[this.#slotOf(hash)] === hash;
  }

  /** @returns Whether it is new. */
  add(name: string): boolean {
    const hash = hashOf(name);
    const slot = this.#slotOf(hash);
    if (this.#slots[slot] === hash) return false;
    this.#slots[slot] = hash;
    this.#size += 1;
    if (this.#size > this.#slots.length * MAX_FILLED) this.#grow();
    return true;
  }

  #slotOf(hash: number): number {
    let slot = hash % this.#slots.length;
    while (this.#slots[slot] !== 0 && this.#slots[slot] !== hash) slot = (slot + 1) % this.#slots.length;
    return slot;
  }

  #grow(): void {
    const old = this.#slots;
    this.#slots = new Float64Array(old.length * 2);
    for (const hash of old) if (hash !== 0) this.#slots[this.#slotOf(hash)] = hash;
  }
}

const hashOf = (name: string): number => createHash("sha256").update(name).digest().readUIntBE(0, 6) || 1;
