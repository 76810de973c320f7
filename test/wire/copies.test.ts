import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { build } from "esbuild";
import { expect, test } from "vitest";
import * as own from "../../sdk/wire/codec/codec.ts";

test("two copies of the codec in one process, with one MessagePack, do not disturb each other", async () => {
  // Inside the checkout, so that both find the same msgpackr.
  const folder = mkdtempSync(join(process.cwd(), "node_modules", ".copies-"));
  const outfile = join(folder, "codec.mjs");
  const entry = new URL("../../sdk/wire/codec/codec.ts", import.meta.url).pathname;
  await build({ entryPoints: [entry], outfile, bundle: true, platform: "node", format: "esm", packages: "external" });
  const other = (await import(pathToFileURL(outfile).href)) as typeof own;
  rmSync(folder, { recursive: true });
  const value = { when: new Date(5), map: new Map([[1n, new Set([undefined])]]), floats: new Float32Array([1, 2]) };
  for (const writer of [own, other]) {
    for (const reader of [own, other]) expect(reader.decode(writer.encodeToBytes(value))).toEqual(value);
  }
});
