import { Command } from "commander";
import { type HeldObject, heldObjects } from "../../sdk/held-objects.ts";
import { duration, harmless } from "../../sdk/progress/text.ts";
import { print } from "../print.ts";
import { type StoreOptions, usingStores, withStoreOptions } from "../store-options.ts";
import { size, table } from "../table.ts";

/** `stratolab objects`: what is stored beside the control table, and who holds it. */
export function objectsCommand(): Command {
  const command = new Command("objects").description(
    "Lists stored objects, largest first: how large, how old, and who holds them. What nobody holds goes with gc.",
  );
  return withStoreOptions(command).action((options: StoreOptions) =>
    usingStores(options, async (stores) => print(options.json, await heldObjects(stores), describe)),
  );
}

function describe(objects: readonly HeldObject[]): string {
  if (objects.length === 0) return "no objects are stored: small results lie in the control table";
  const rows = objects.map(({ object, bytes, storedAt, holders }) => [
    object,
    size(bytes),
    duration(Math.max(0, Date.now() - Date.parse(storedAt))),
    holders.length === 0
      ? "nobody"
      : [...new Set(holders.map(({ kind, name }) => harmless(`${kind} ${name}`)))].slice(0, 3).join(", ") +
        (holders.length > 3 ? `, ${holders.length - 3} more` : ""),
  ]);
  const free = objects.filter(({ holders }) => holders.length === 0);
  const sum = (of: readonly HeldObject[]) => size(of.reduce((bytes, each) => bytes + each.bytes, 0));
  return [
    table(["OBJECT", "SIZE", "AGE", "HELD BY"], rows),
    `${objects.length} objects, ${sum(objects)}; nobody holds ${free.length} of them, ${sum(free)}`,
  ].join("\n");
}
