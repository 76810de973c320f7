import { describe, expect, test } from "vitest";
import { type Letter, readLetters, sendLetter } from "../../sdk/stores/inbox.ts";
import type { Assignment } from "../../sdk/wire/attempt.ts";
import { PROTOCOL_VERSION } from "../../sdk/wire/protocol.ts";
import { withoutBuffers } from "../wire/plain.ts";
import { temporaryStores } from "./folders.ts";

const assignment = (id: string, paramBytes = 10): Assignment => ({
  protocol: PROTOCOL_VERSION,
  id,
  runId: "run",
  epoch: 1,
  runStartedAt: 1_700_000_000_000,
  namespace: "default",
  bundle: "hash",
  attempts: [
    {
      task: 0,
      attempt: 1,
      key: "k",
      name: "train",
      version: "v",
      params: { inline: new Uint8Array(paramBytes).fill(7) },
      inputs: {},
      resources: { numCpus: 1, numGpus: 0 },
      generation: 0,
    },
  ],
  awaited: false,
  inlineBytes: 2_048,
});
const assign = (id: string, paramBytes?: number): Letter => ({
  type: "assign",
  assignment: assignment(id, paramBytes),
});

describe("an inbox", () => {
  test("of an executor that nobody wrote to is empty", async () => {
    await using stores = await temporaryStores();
    expect(await readLetters(stores.table, stores.objects, "e", 0)).toEqual([]);
  });

  test("gives letters of every kind in order, each as it was sent", async () => {
    await using stores = await temporaryStores();
    const letters: Letter[] = [
      assign("1"),
      { type: "cancel", runId: "run", assignment: "1", tasks: [0, 5], graceMs: 2_000 },
      { type: "leave" },
    ];
    // In another order than they are to be read.
    for (const index of [2, 0, 1]) await sendLetter(stores, "e", index + 1, letters[index]);
    const read = await readLetters(stores.table, stores.objects, "e", 0);
    expect(read.map(({ number }) => number)).toEqual([1, 2, 3]);
    expect(read.map(({ letter }) => withoutBuffers(letter))).toEqual(letters);
  });

  test("begins behind the last letter that was read", async () => {
    await using stores = await temporaryStores();
    for (let number = 1; number <= 12; number++) await sendLetter(stores, "e", number, { type: "leave" });
    const numbersAfter = async (number: number) =>
      (await readLetters(stores.table, stores.objects, "e", number)).map((each) => each.number);
    expect(await numbersAfter(9)).toEqual([10, 11, 12]);
    expect(await numbersAfter(12)).toEqual([]);
  });

  test("is nobody else's", async () => {
    await using stores = await temporaryStores();
    await sendLetter(stores, "e", 1, { type: "leave" });
    expect(await readLetters(stores.table, stores.objects, "e2", 0)).toEqual([]);
  });

  test("keeps what is too large for an item in the object store", async () => {
    await using stores = await temporaryStores();
    await sendLetter(stores, "e", 1, assign("1", 20_000));
    const [item] = await stores.table.query("IN#e");
    expect(item.m).toBeUndefined();
    const [{ letter }] = await readLetters(stores.table, stores.objects, "e", 0);
    expect(withoutBuffers(letter)).toEqual(assign("1", 20_000));
  });

  test("says which object is missing", async () => {
    await using stores = await temporaryStores();
    await sendLetter(stores, "e", 1, assign("1", 10_000));
    for await (const { key } of stores.objects.list("content/")) await stores.objects.deleteMany([key]);
    await expect(readLetters(stores.table, stores.objects, "e", 0)).rejects.toThrow(
      /^the assignment content\/.* is not in the object store$/,
    );
  });

  test("forgets its letters by itself, a day later", async () => {
    await using stores = await temporaryStores();
    await sendLetter(stores, "e", 1, { type: "leave" });
    const [{ ttl }] = await stores.table.query("IN#e");
    const inMs = Number(ttl) * 1_000 - Date.now();
    expect(Math.abs(inMs - 24 * 3_600_000)).toBeLessThan(60_000);
  });
});
