import fc from "fast-check";
import { expect, test } from "vitest";
import { checkOf, isIntact } from "../../sdk/stores/check.ts";

const bytes = fc.uint8Array({ maxLength: 300 });

test("a check does not depend on how the bytes are cut", () => {
  fc.assert(
    fc.property(fc.array(bytes, { maxLength: 6 }), (chunks) => {
      const whole = Buffer.concat(chunks);
      expect(checkOf(chunks, whole.byteLength)).toBe(checkOf([whole], whole.byteLength));
      expect(isIntact(whole, checkOf(chunks, whole.byteLength))).toBe(true);
    }),
  );
});

test("any byte that is changed shows", () => {
  fc.assert(
    fc.property(bytes, fc.nat(), fc.integer({ min: 1, max: 255 }), (content, at, by) => {
      fc.pre(content.byteLength > 0);
      const check = checkOf([content], content.byteLength);
      content[at % content.byteLength] ^= by;
      expect(isIntact(content, check)).toBe(false);
    }),
  );
});

test("results that were stored with SHA-256 are still read", () => {
  const hash = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
  expect(isIntact(Buffer.from("abc"), hash)).toBe(true);
  expect(isIntact(Buffer.from("abd"), hash)).toBe(false);
});
