/**
 * Stands for the codec in bundles of tasks. A second one there would cost every executor the loading of
 * MessagePack once more; so the bundle's copy of the library borrows the executor's.
 */
import { LENT_CODEC } from "../task-tools.ts";
import type * as codec from "./codec.ts";

type Codec = typeof codec;

function lent(): Codec {
  const found = (globalThis as { [LENT_CODEC]?: Codec })[LENT_CODEC];
  if (!found) throw new Error("the executor has no codec to lend: it is older than the bundle");
  return found;
}

export const encode: Codec["encode"] = (...args) => lent().encode(...args);
export const encodeToBytes: Codec["encodeToBytes"] = (...args) => lent().encodeToBytes(...args);
export const joinChunks: Codec["joinChunks"] = (...args) => lent().joinChunks(...args);
export const decode: Codec["decode"] = (...args) => lent().decode(...args);
