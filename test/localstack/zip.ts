import { crc32 } from "node:zlib";

/** A zip archive of one uncompressed file: the code of a small Lambda function. */
export function zipOf(name: string, text: string): Buffer {
  const content = Buffer.from(text);
  const file = Buffer.from(name);
  const sizes = Buffer.alloc(12);
  sizes.writeUInt32LE(crc32(content), 0);
  sizes.writeUInt32LE(content.length, 4);
  sizes.writeUInt32LE(content.length, 8);
  const nameLength = Buffer.from([file.length, 0, 0, 0]);
  const local = Buffer.concat([hex("504b0304 1400 0000 0000 0000 2100"), sizes, nameLength, file, content]);
  const central = Buffer.concat([
    hex("504b0102 1403 1400 0000 0000 0000 2100"),
    sizes,
    nameLength,
    hex("0000 0000 0000 0000a481 00000000"),
    file,
  ]);
  const end = Buffer.concat([hex("504b0506 0000 0000 0100 0100"), Buffer.alloc(10)]);
  end.writeUInt32LE(central.length, 12);
  end.writeUInt32LE(local.length, 16);
  return Buffer.concat([local, central, end]);
}

const hex = (digits: string): Buffer => Buffer.from(digits.replaceAll(" ", ""), "hex");
