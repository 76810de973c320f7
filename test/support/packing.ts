import type { ControlTable } from "../../sdk/stores/control-table.ts";
import { PackingTable } from "../../sdk/stores/packing-table.ts";

/** Packs in a table of this machine. */
export const packingTable = (table: ControlTable): PackingTable =>
  new PackingTable(table, async (items) => {
    await table.putInOrder(items.map((item) => ({ item, condition: { when: "absent" } })));
  });
