import { describe, expect, test } from "vitest";
import { readCheckpoint, saveCheckpoint } from "../../sdk/stores/checkpoints.ts";
import type { Item } from "../../sdk/stores/control-table.ts";
import { FeedReader, FeedWriter } from "../../sdk/stores/feed.ts";
import { readLetters, sendLetter } from "../../sdk/stores/inbox.ts";
import { giveLifeSign, isLabAlive } from "../../sdk/stores/lab-life.ts";
import type { ResultRecord } from "../../sdk/stores/result-items.ts";
import { findResults, listResults } from "../../sdk/stores/result-search.ts";
import { commitResult } from "../../sdk/stores/results.ts";
import { readStatistics, writeStatistics } from "../../sdk/stores/statistics.ts";
import type { Stores } from "../../sdk/stores/stores.ts";
import type { Assignment } from "../../sdk/wire/attempt.ts";
import { readPayload, readResponse, toPayload, toResponse } from "../../sdk/wire/invocation.ts";
import { LabError } from "../../sdk/wire/lab-error.ts";
import { PROTOCOL_VERSION } from "../../sdk/wire/protocol.ts";
import { temporaryStores } from "./folders.ts";
import { encodedOf } from "./object-store-suite.ts";

const RECORD: ResultRecord = {
  key: "k",
  namespace: "default",
  name: "train",
  version: "v",
  generation: 0,
  value: { inline: Uint8Array.of(1) },
  params: { inline: Uint8Array.of(2) },
  runId: "run",
  attempt: 1,
  endedAt: 1,
  durationMs: 1,
  peakMemoryMb: 1,
};
const SAVER = { runStartedAt: 1_000, attempt: 1 };
const ASSIGNMENT: Assignment = {
  protocol: PROTOCOL_VERSION,
  id: "1",
  runId: "run",
  runStartedAt: 1,
  epoch: 1,
  namespace: "default",
  bundle: "b",
  attempts: [],
  awaited: true,
  inlineBytes: 1,
};
const FEED = { name: "lab", shards: () => [0] };

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

/** Makes everything in the table as if a newer stratolab had written it. */
async function makeNewer({ table }: Stores): Promise<void> {
  const items: Item[] = await all(table.scan(""));
  expect(items.length).toBeGreaterThan(0);
  for (const item of items) {
    expect(item.f).toBe(PROTOCOL_VERSION);
    await table.put({ ...item, f: PROTOCOL_VERSION + 1 });
  }
}

const failureOf = async (doing: () => unknown): Promise<LabError> => {
  try {
    await doing();
  } catch (error) {
    expect(error).toBeInstanceOf(LabError);
    return error as LabError;
  }
  throw new Error("nothing was refused");
};

interface Case {
  readonly what: string;
  readonly named: string;
  write(stores: Stores): Promise<unknown>;
  read(stores: Stores): Promise<unknown>;
}

const CASES: readonly Case[] = [
  {
    what: "a result that is looked up",
    named: "the stored result R#k",
    write: ({ table }) => commitResult(table, RECORD),
    read: ({ table }) => findResults(table, ["k"]),
  },
  {
    what: "a result among all of them",
    named: "the stored result R#k",
    write: ({ table }) => commitResult(table, RECORD),
    read: ({ table }) => all(listResults(table, "default")),
  },
  {
    what: "a result that won",
    named: "the stored result R#k",
    write: ({ table }) => commitResult(table, RECORD),
    read: ({ table }) => commitResult(table, { ...RECORD, attempt: 2 }),
  },
  {
    what: "a checkpoint to go on from",
    named: "the checkpoint CP#k",
    write: (stores) => saveCheckpoint(stores, "k", SAVER, encodedOf(Uint8Array.of(1)), 100),
    read: ({ table }) => readCheckpoint(table, "k", 0),
  },
  {
    what: "a checkpoint to replace",
    named: "the checkpoint CP#k",
    write: (stores) => saveCheckpoint(stores, "k", SAVER, encodedOf(Uint8Array.of(1)), 100),
    read: (stores) => saveCheckpoint(stores, "k", { ...SAVER, attempt: 2 }, encodedOf(Uint8Array.of(2)), 100),
  },
  {
    what: "statistics",
    named: "the statistics STATS#default#train",
    write: ({ table }) => writeStatistics(table, "default", { name: "train", meanMs: 1, tooSmall: [] }),
    read: ({ table }) => readStatistics(table, "default", ["train"]),
  },
  {
    what: "a life sign",
    named: "the life sign of the lab lab",
    write: ({ table }) => giveLifeSign(table, "lab", 1),
    read: ({ table }) => isLabAlive(table, "lab"),
  },
  {
    what: "a letter",
    named: "the letter IN#e 0000000001",
    write: (stores) => sendLetter(stores, "e", 1, { type: "leave" }),
    read: ({ table, objects }) => readLetters(table, objects, "e", 0),
  },
];

describe("what a newer stratolab wrote", () => {
  test.each(CASES)("is refused with what to do: $what", async ({ named, write, read }) => {
    await using stores = await temporaryStores();
    await write(stores);
    await makeNewer(stores);
    const before = await all(stores.table.scan(""));
    const { kind, message } = await failureOf(() => read(stores));
    expect(kind).toBe("newer-version");
    expect(message).toBe(
      `${named} has version ${PROTOCOL_VERSION + 1}, this stratolab reads up to ${PROTOCOL_VERSION}: a newer one wrote it. ` +
        'Update stratolab to that version ("npm install stratolab@latest")',
    );
    expect(await all(stores.table.scan(""))).toEqual(before);
  });

  test.each(CASES)("and what this one wrote is not: $what", async ({ write, read }) => {
    await using stores = await temporaryStores();
    await write(stores);
    await read(stores);
  });

  test("is left out of a feed and told once, and the rest is read on", async () => {
    await using stores = await temporaryStores();
    await new FeedWriter(stores.table, "newer").write(FEED, { type: "hello" });
    await makeNewer(stores);
    await new FeedWriter(stores.table, "own").write(FEED, { type: "hello" });
    const told: string[] = [];
    const reader = new FeedReader(stores.table, FEED, ({ message }) => told.push(message));
    expect(await reader.read()).toEqual([{ executor: "own", event: { type: "hello" } }]);
    expect(await reader.read()).toEqual([]);
    expect(told).toEqual([
      expect.stringMatching(
        new RegExp(`^the feed entry FEED#lab#0 \\d+#newer#0+ has version ${PROTOCOL_VERSION + 1}, .*Update`),
      ),
    ]);
  });
});

describe("drivers and executors of different versions", () => {
  const newer = PROTOCOL_VERSION + 1;
  const older = PROTOCOL_VERSION - 1;
  const result = { executor: "e", reports: [], logs: [] };

  test.each<[string, number, () => unknown, RegExp]>([
    [
      "a function invoked by a newer driver",
      newer,
      () => readPayload({ ...toPayload(ASSIGNMENT), protocol: newer }),
      new RegExp(
        `^the driver speaks version ${PROTOCOL_VERSION + 1}, the stack .* version ${PROTOCOL_VERSION}\\. Update the stack with "npx cdk deploy"$`,
      ),
    ],
    [
      "a function invoked by an older driver",
      older,
      () => readPayload({ ...toPayload(ASSIGNMENT), protocol: older }),
      new RegExp(
        `^the driver speaks version ${PROTOCOL_VERSION - 1}, the stack .* version ${PROTOCOL_VERSION}\\. Update stratolab where the script runs$`,
      ),
    ],
    [
      "a driver answered by a newer function",
      newer,
      () => readResponse({ ...toResponse(result), protocol: newer }),
      new RegExp(
        `^the function speaks version ${PROTOCOL_VERSION + 1}, this driver version ${PROTOCOL_VERSION}\\. Update stratolab to the stack's version$`,
      ),
    ],
    [
      "a driver answered by an older function",
      older,
      () => readResponse({ ...toResponse(result), protocol: older }),
      new RegExp(
        `^the function speaks version ${PROTOCOL_VERSION - 1}, this driver version ${PROTOCOL_VERSION}\\. Update the stack with "npx cdk deploy"$`,
      ),
    ],
  ])("refuse each other: %s", async (_, version, doing, expected) => {
    const { kind, message } = await failureOf(doing);
    expect(kind).toBe(version > PROTOCOL_VERSION ? "newer-version" : "older-version");
    expect(message).toMatch(expected);
  });

  test.each([
    [
      newer,
      "newer-version",
      new RegExp(
        `speaks version ${PROTOCOL_VERSION + 1}, this container's runtime version ${PROTOCOL_VERSION}\\. Run the script again`,
      ),
    ],
    [
      older,
      "older-version",
      new RegExp(
        `speaks version ${PROTOCOL_VERSION - 1}, this container's runtime version ${PROTOCOL_VERSION}\\. Update stratolab where`,
      ),
    ],
  ])("refuse each other: a container given an assignment of version %i", async (protocol, expectedKind, expected) => {
    await using stores = await temporaryStores();
    await sendLetter(stores, "e", 1, { type: "assign", assignment: { ...ASSIGNMENT, protocol } });
    const { kind, message } = await failureOf(() => readLetters(stores.table, stores.objects, "e", 0));
    expect([kind, message]).toEqual([expectedKind, expect.stringMatching(expected)]);
  });

  test("refuse what no stratolab sent", async () => {
    expect((await failureOf(() => readPayload({} as never))).message).toMatch(/speaks version undefined/);
    expect((await failureOf(() => readPayload(null as never))).message).toMatch(/speaks version undefined/);
  });
});
