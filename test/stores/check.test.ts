import fc from "fast-check";
import { expect, test } from "vitest";
import { checkOf, isIntact } from "../../sdk/stores/check.ts";

const bytes = fc.uint8Array({ maxLength: 300 });

test("a check does not depend on how the bytes are cut", () => {
  fc.assert(
    fc.property(fc.array(bytes, { maxLength: 6 }), (chunks) => {
      const whole = Buffer.concat(chunks);
      expect(checkOf(chunks)).toBe(checkOf([whole]));
      expect(isIntact(whole, checkOf(chunks))).toBe(true);
    }),
  );
});

test("any byte that is changed shows", () => {
  fc.assert(
    fc.property(bytes, fc.nat(), fc.integer({ min: 1, max: 255 }), (content, at, by) => {
      fc.pre(content.byteLength > 0);
      const check = checkOf([content]);
      content[at % content.byteLength] ^= by;
      expect(isIntact(content, check)).toBe(false);
    }),
  );
});

test("a check is the same everywhere and for ever", () => {
  expect(checkOf([Buffer.from("123456789")])).toBe("gmac-107c4146b4c6a58d2afe8a7299f060e2");
});

test("results that were stored with CRC-32s of their eighths are still read", () => {
  const check = "crc32x8-4f5344cd9406837a2c5245d0f9dc0a558d076785000000000000000000000000";
  expect(isIntact(Buffer.from("123456789"), check)).toBe(true);
  expect(isIntact(Buffer.from("123456788"), check)).toBe(false);
});

test("results that were stored with SHA-256 are still read", () => {
  const hash = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
  expect(isIntact(Buffer.from("abc"), hash)).toBe(true);
  expect(isIntact(Buffer.from("abd"), hash)).toBe(false);
});
