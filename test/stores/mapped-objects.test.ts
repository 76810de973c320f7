import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { afterAll, describe, expect, test } from "vitest";
import { LocalObjectStore } from "../../sdk/stores/local/object-store.ts";
import { isMapped, passes } from "../../sdk/stores/mapped-bytes.ts";
import { putObject } from "../../sdk/stores/objects.ts";
import { storeResult } from "../../sdk/stores/values.ts";
import { encode } from "../../sdk/wire/codec/codec.ts";
import { eventually } from "../support/scripts.ts";

const folder = mkdtempSync(join(tmpdir(), "mapped-"));
afterAll(() => rmSync(folder, { recursive: true }));

const BYTES = 1024 ** 2;

async function stored(name: string): Promise<{ store: LocalObjectStore; file: string; stamp: string }> {
  const root = join(folder, name);
  const store = new LocalObjectStore(root, async () => true);
  const values = new Float64Array(BYTES / 8).map((_, index) => index);
  const stamp = await store.put("one", { chunks: [new Uint8Array(values.buffer)], byteLength: BYTES });
  return { store, file: join(root, "one"), stamp: stamp as string };
}

const got = async (store: LocalObjectStore): Promise<Uint8Array<ArrayBuffer>> =>
  (await store.get("one")) as Uint8Array<ArrayBuffer>;
const numbersOf = (bytes: Uint8Array<ArrayBuffer>) => new Float64Array(bytes.buffer, bytes.byteOffset, BYTES / 8);

describe("a large object on this machine", () => {
  test("is mapped, and what is written to it is seen by nobody else", async () => {
    const { store } = await stored("written");
    const first = await got(store);
    expect(isMapped(first)).toBe(true);
    const second = await got(store);
    numbersOf(first).fill(7);
    expect(numbersOf(second)[5]).toBe(5);
    expect(numbersOf(await got(store))[5]).toBe(5);
    expect(numbersOf(first)[5]).toBe(7);
  });

  test("stays when its file is deleted", async () => {
    const { store, file } = await stored("deleted");
    const bytes = await got(store);
    await store.deleteMany(["one"]);
    expect(() => readFileSync(file)).toThrow("ENOENT");
    expect(numbersOf(bytes)[BYTES / 8 - 1]).toBe(BYTES / 8 - 1);
    expect(await store.get("one")).toBeUndefined();
  });

  test("is copied by what would take its memory away", async () => {
    const { store } = await stored("transferred");
    const bytes = await got(store);
    const clone = structuredClone(bytes.buffer, { transfer: [] });
    // Refused or copied, depending on the version of Node; taken in none.
    try {
      structuredClone(bytes.buffer, { transfer: [bytes.buffer] });
    } catch (error) {
      expect((error as Error).name).toBe("DataCloneError");
    }
    const moved = (bytes.buffer as ArrayBuffer & { transfer?: (size?: number) => ArrayBuffer }).transfer?.(16);
    expect(bytes.buffer.byteLength).toBe(BYTES);
    expect(moved?.byteLength).toBe(16);
    expect(new Float64Array(moved as ArrayBuffer)[1]).toBe(1);
    expect(new Float64Array(clone)[9]).toBe(9);
  });

  test("is unmapped when nothing refers to it any more", async () => {
    if (process.platform !== "linux") return;
    const { store, file } = await stored("forgotten");
    const mapped = () =>
      readFileSync("/proc/self/maps", "utf8")
        .split("\n")
        .filter((line) => line.endsWith(file)).length;
    let held: Uint8Array[] = [];
    for (let count = 0; count < 20; count++) held.push(await got(store));
    // Neighbours may be shown as one.
    expect(mapped()).toBeGreaterThan(0);
    expect(numbersOf(held[3] as Uint8Array<ArrayBuffer>)[3]).toBe(3);
    held = [];
    setFlagsFromString("--expose-gc");
    const collect = runInNewContext("gc") as () => void;
    await eventually(
      () => {
        collect();
        return mapped() === 0;
      },
      20_000,
      "the mappings to go",
    );
  });

  test("is known to be intact while it is the file that was written, and that file only", async () => {
    const { store, file, stamp } = await stored("known");
    const never = () => false;
    expect(passes(await got(store), { hash: "any", file: stamp }, never)).toBe(true);
    writeFileSync(file, new Uint8Array(BYTES));
    expect(passes(await got(store), { hash: "any", file: stamp }, never)).toBe(false);
    utimesSync(file, new Date(0), new Date(0));
    const { dev, ino } = statSync(file);
    // Written before this process began: on disk, where bits rot.
    expect(passes(await got(store), { hash: "any", file: `${dev} ${ino} ${BYTES} 0` }, never)).toBe(false);
  });

  test("is named by its file, be it a result or what lab.put was given", async () => {
    const store = new LocalObjectStore(join(folder, "named"), async () => true);
    const values = new Float64Array(BYTES / 8);
    const slots = [await storeResult(store, encode(values), "a".repeat(64)), (await putObject(store, values, [])).slot];
    for (const { object, file } of slots) {
      const { dev, ino, size, mtimeNs } = statSync(join(folder, "named", object), { bigint: true });
      expect(file).toBe(`${dev} ${ino} ${size} ${mtimeNs}`);
    }
    // Who puts it again has not written the file that is there.
    expect((await putObject(store, values, [])).slot.file).toBeUndefined();
  });

  test("is checked once, and again when its file was written since", async () => {
    const { store, file } = await stored("checked");
    let checks = 0;
    const check = (bytes: Uint8Array) => {
      checks += 1;
      return numbersOf(bytes as Uint8Array<ArrayBuffer>)[9] === 9;
    };
    for (let count = 0; count < 3; count++) expect(passes(await got(store), { hash: "right" }, check)).toBe(true);
    expect(checks).toBe(1);
    expect(passes(await got(store), { hash: "another" }, check)).toBe(true);
    expect(checks).toBe(2);
    writeFileSync(file, new Uint8Array(BYTES));
    expect(passes(await got(store), { hash: "another" }, check)).toBe(false);
    expect(passes(await got(store), { hash: "another" }, check)).toBe(false);
    expect(checks).toBe(4);
    expect(readdirSync(join(folder, "checked"))).toContain("one");
  });
});
