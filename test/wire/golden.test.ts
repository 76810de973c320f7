import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { decode, encodeToBytes } from "../../sdk/wire/codec/codec.ts";
import { storedReturns } from "../../sdk/wire/returns.ts";
import { valueExtensions } from "../../sdk/wire/value-extensions.ts";
import { GOLDEN } from "./golden.ts";
import { GOLDEN_CLASSES } from "./golden-classes.ts";
import { expectSame } from "./same.ts";

const fileOf = (name: string) => new URL(`golden/${name}.hex`, import.meta.url);
/** In lines that a person, and a diff, can read. */
const inLines = (bytes: Uint8Array) =>
  `${(
    Buffer.from(bytes)
      .toString("hex")
      .match(/.{1,64}/g) ?? []
  ).join("\n")}\n`;

const extensions = [storedReturns, ...valueExtensions()];
const storedOf = (name: string) => Buffer.from(readFileSync(fileOf(name), "latin1").replaceAll("\n", ""), "hex");

describe("encoded values of classes are read for ever", () => {
  test.each(Object.entries(GOLDEN_CLASSES))("%s are written as they always were", async (name, { make }) => {
    await expect(inLines(encodeToBytes(make(), { extensions }))).toMatchFileSnapshot(`golden/${name}.hex`);
  });

  test.each(Object.entries(GOLDEN_CLASSES))("%s are read from what was written once", (name, { make, seen }) => {
    expect(seen(decode(storedOf(name), extensions) as never)).toEqual(seen(make() as never));
  });
});

describe("encoded values are read for ever", () => {
  test.each(Object.entries(GOLDEN))("%s is written as it always was", async (name, make) => {
    await expect(inLines(encodeToBytes(make()))).toMatchFileSnapshot(`golden/${name}.hex`);
  });

  test.each(Object.entries(GOLDEN))("%s is read from what was written once", (name, make) => {
    expectSame(decode(storedOf(name)), make());
  });
});
