import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import {
  endLife,
  giveLifeSign,
  isLabAlive,
  knownLabs,
  LabLife,
  LIFE_SIGN_EVERY_MS,
} from "../../sdk/stores/lab-life.ts";
import { temporaryStores } from "./folders.ts";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"], now: Date.UTC(2026, 10, 21) });
});
afterEach(() => {
  vi.useRealTimers();
});

const passes = (ms: number) => vi.setSystemTime(Date.now() + ms);

describe("a lab", () => {
  test("that never said so is not alive", async () => {
    await using stores = await temporaryStores();
    expect(await isLabAlive(stores.table, "lab")).toBe(false);
  });

  test("is alive when it has said so, and nobody else with it", async () => {
    await using stores = await temporaryStores();
    await giveLifeSign(stores.table, "lab", Date.now());
    expect(await isLabAlive(stores.table, "lab")).toBe(true);
    expect(await isLabAlive(stores.table, "la")).toBe(false);
  });

  test("stays alive by saying so again, also when it misses three times", async () => {
    await using stores = await temporaryStores();
    for (let times = 0; times < 5; times++) {
      await giveLifeSign(stores.table, "lab", Date.now());
      passes(4 * LIFE_SIGN_EVERY_MS);
      expect(await isLabAlive(stores.table, "lab")).toBe(true);
    }
  });

  test("that says nothing any more is gone within a minute", async () => {
    await using stores = await temporaryStores();
    await giveLifeSign(stores.table, "lab", Date.now());
    passes(60_000);
    expect(await isLabAlive(stores.table, "lab")).toBe(false);
    await giveLifeSign(stores.table, "lab", Date.now());
    expect(await isLabAlive(stores.table, "lab")).toBe(true);
  });

  test("is gone at once when it says so", async () => {
    await using stores = await temporaryStores();
    await giveLifeSign(stores.table, "lab", Date.now());
    await endLife(stores.table, "lab");
    expect(await isLabAlive(stores.table, "lab")).toBe(false);
    await endLife(stores.table, "lab");
  });
});

describe("the labs that may still be there", () => {
  test("are those that have not ended, and said something within a day", async () => {
    await using stores = await temporaryStores();
    expect(await knownLabs(stores.table)).toEqual([]);
    const began = Date.now();
    await giveLifeSign(stores.table, "killed", began);
    passes(3_600_000);
    await giveLifeSign(stores.table, "ended", Date.now());
    await endLife(stores.table, "ended");
    expect(await knownLabs(stores.table)).toEqual([{ id: "killed", since: began }]);
    passes(24 * 3_600_000);
    expect(await knownLabs(stores.table)).toEqual([]);
  });

  test("are known from their beginning to their end", async () => {
    await using stores = await temporaryStores();
    const life = await LabLife.begin(stores.table, "lab");
    expect(await knownLabs(stores.table)).toEqual([{ id: "lab", since: Date.now() }]);
    expect(await isLabAlive(stores.table, "lab")).toBe(true);
    await life.end();
    expect(await knownLabs(stores.table)).toEqual([]);
  });
});
