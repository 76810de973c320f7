import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { decode, encodeToBytes } from "../../sdk/wire/codec/codec.ts";
import { GOLDEN } from "./golden.ts";
import { expectSame } from "./same.ts";

const fileOf = (name: string) => new URL(`golden/${name}.hex`, import.meta.url);
/** In lines that a person, and a diff, can read. */
const inLines = (bytes: Uint8Array) =>
  `${(
    Buffer.from(bytes)
      .toString("hex")
      .match(/.{1,64}/g) ?? []
  ).join("\n")}\n`;

describe("encoded values are read for ever", () => {
  test.each(Object.entries(GOLDEN))("%s is written as it always was", async (name, make) => {
    await expect(inLines(encodeToBytes(make()))).toMatchFileSnapshot(`golden/${name}.hex`);
  });

  test.each(Object.entries(GOLDEN))("%s is read from what was written once", (name, make) => {
    const bytes = Buffer.from(readFileSync(fileOf(name), "latin1").replaceAll("\n", ""), "hex");
    expectSame(decode(bytes), make());
  });
});
