import { execFileSync } from "node:child_process";
import { readdir, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test, vi } from "vitest";
import { openLocalStores } from "../../sdk/stores/local/open.ts";
import { openShared } from "../../sdk/stores/local/shared-database.ts";
import type { ResultRecord } from "../../sdk/stores/result-items.ts";
import { commitResult } from "../../sdk/stores/results.ts";
import { openStores } from "../../sdk/stores/stores.ts";
import { type RunningScript, runScript } from "../support/scripts.ts";
import { testControlTable } from "./control-table-suite.ts";
import { newFolder, temporaryStores } from "./folders.ts";
import { encodedOf, testObjectStore } from "./object-store-suite.ts";

testControlTable("this machine", async () => {
  const { folder, release } = await newFolder();
  return { table: (await openLocalStores(folder)).table, release };
});

testObjectStore("this machine", async () => {
  const { folder, release } = await newFolder();
  const { objects, table } = await openLocalStores(folder);
  return {
    objects,
    release: async () => {
      await table.close();
      await release();
    },
  };
});

type Writes = "items" | "results" | "objects" | "race" | "result-race";

const startWriter = (folder: string, writer: string, count: number, kind: Writes) =>
  runScript("stores/fixtures/local-writer.ts", [folder, writer, String(count), kind]);

/** Numbers that a writer has said are written. */
const acknowledged = (stdout: string) =>
  stdout
    .slice(0, stdout.lastIndexOf("\n") + 1)
    .split("\n")
    .filter((line) => /^\d+$/.test(line))
    .map(Number);

/** Resolves when a writer has said so many lines. */
function told({ child }: RunningScript, lines: number): Promise<void> {
  return new Promise((resolve, reject) => {
    let seen = 0;
    child.stdout?.on("data", (piece: Buffer) => {
      seen += piece.toString("latin1").split("\n").length - 1;
      if (seen >= lines) resolve();
    });
    child.once("close", () => reject(new Error(`ended after ${seen} lines`)));
  });
}

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

describe("local stores", () => {
  test("are opened again and again in one process, while others write and close", async () => {
    const { folder, release } = await newFolder();
    const writer = await openLocalStores(folder);
    for (let round = 0; round < 200; round += 1) {
      const items = Array.from({ length: 5 }, (_, index) => ({ pk: `p${round}`, sk: `s${index}`, n: 0 }));
      await Promise.all(items.map((item) => writer.table.put(item)));
      // Under way: its condition is asked for on this very thread.
      const isAsItWas = { when: "equals", attribute: "n", value: 0 } as const;
      const writes = items.map((item) => writer.table.putIf({ ...item, n: 1 }, isAsItWas));
      await new Promise((resolve) => setImmediate(resolve));
      const other = await openLocalStores(folder);
      const last = other.table.putIf({ pk: `p${round}`, sk: "last" }, { when: "absent" });
      const closed = other.table.close();
      expect(await Promise.all(writes)).toEqual(Array(5).fill({ written: true }));
      expect(await last).toEqual({ written: true });
      if (round % 2 === 0) await closed;
    }
    const reader = await openLocalStores(folder);
    await writer.table.close();
    expect(await reader.table.query("p199")).toHaveLength(6);
    await reader.table.close();
    await release();
  });

  test("show what another process has written since the last look, without a round of the event loop in between", async () => {
    await using stores = await temporaryStores();
    const { table, folder } = stores;
    const find = async () => [
      await table.get({ pk: "p", sk: "s" }),
      ...(await table.getMany([{ pk: "p", sk: "s" }])),
      ...(await table.query("p")),
      ...(await collect(table.scan("p"))),
    ];
    expect(await find()).toEqual([undefined, undefined]);
    const write = `
      const { openStores } = await import(${JSON.stringify(new URL("../../sdk/stores/stores.ts", import.meta.url).href)});
      const { table } = await openStores({ kind: "local", directory: ${JSON.stringify(folder)} });
      await table.put({ pk: "p", sk: "s", n: 1 });
      await table.close();`;
    execFileSync(process.execPath, ["--import", "tsx", "--input-type=module", "-e", write]);
    const item = { pk: "p", sk: "s", n: 1 };
    expect(await find()).toEqual([item, item, item, item]);
  });

  test("commit what is written in one turn of the event loop together, of results as of anything else", async () => {
    await using stores = await temporaryStores();
    const { db, release } = openShared(join(stores.folder, "control.lmdb"));
    const committed = () => Number((db.getStats() as { readonly lastTxnId: number }).lastTxnId);
    const record = (key: string): ResultRecord => ({
      key,
      namespace: "default",
      name: "noop",
      version: "v:1",
      generation: 0,
      value: { inline: Buffer.of(1) },
      params: { inline: Buffer.of(2) },
      runId: "20260101-000000-abcde",
      attempt: 1,
      endedAt: 1,
      durationMs: 0,
      peakMemoryMb: 1,
    });
    const before = committed();
    const keys = Array.from({ length: 256 }, (_, index) => `key${index}`);
    const results = await Promise.all(keys.map((key) => commitResult(stores.table, record(key))));
    expect(results.every(({ own }) => own)).toBe(true);
    expect(committed() - before).toBeLessThanOrEqual(2);
    await release();
  });

  test("are opened by their address, in a folder that need not be there yet", async () => {
    const { folder, release } = await newFolder();
    const directory = join(folder, "not", "yet");
    const { table, objects } = await openStores({ kind: "local", directory });
    await table.put({ pk: "p", sk: "s", n: 1 });
    await objects.put("content/a", encodedOf(Buffer.from("x")));
    expect(await readdir(directory)).toEqual(expect.arrayContaining(["objects"]));
    await table.close();
    await release();
  });

  test("keep what they hold when they are opened again", async () => {
    const { folder, release } = await newFolder();
    const first = await openLocalStores(folder);
    await first.table.put({ pk: "p", sk: "s", n: 1 });
    await first.table.close();
    const second = await openLocalStores(folder);
    expect(await second.table.get({ pk: "p", sk: "s" })).toEqual({ pk: "p", sk: "s", n: 1 });
    await second.table.close();
    await release();
  });

  test("are one when they are opened twice", async () => {
    await using stores = await temporaryStores();
    const again = await openLocalStores(stores.folder);
    await stores.table.put({ pk: "p", sk: "s", n: 1 });
    expect(await again.table.get({ pk: "p", sk: "s" })).toMatchObject({ n: 1 });
    await again.table.put({ pk: "p", sk: "s", n: 2 });
    expect(await stores.table.get({ pk: "p", sk: "s" })).toMatchObject({ n: 2 });
    await again.table.close();
  });

  test("leave nothing behind of what is written, but what was written", async () => {
    await using stores = await temporaryStores();
    await stores.objects.put("content/a", encodedOf(Buffer.from("x")));
    await stores.objects.put("content/a", encodedOf(Buffer.from("y")));
    const nameless = stores.objects.put(() => Promise.reject(new Error("no name")), encodedOf(Buffer.alloc(2 ** 22)));
    await expect(nameless).rejects.toThrow("no name");
    expect(await readdir(join(stores.folder, "objects", ".unfinished"))).toEqual([]);
  });

  test("do not take for an object what was not finished", async () => {
    await using stores = await temporaryStores();
    await stores.objects.put("content/a", encodedOf(Buffer.from("x")));
    await writeFile(join(stores.folder, "objects", ".unfinished", "cafe"), "half an obj");
    const keys: string[] = [];
    for await (const { key } of stores.objects.list("")) keys.push(key);
    expect(keys).toEqual(["content/a"]);
  });

  test("give what is left of a file that somebody cut short: its reader checks the hash", async () => {
    await using stores = await temporaryStores();
    await stores.objects.put("content/a", encodedOf(Buffer.from("whole")));
    await truncate(join(stores.folder, "objects", "content", "a"), 2);
    expect(Buffer.from((await stores.objects.get("content/a")) as Uint8Array).toString()).toBe("wh");
  });
});

describe("several processes on one folder", () => {
  test.each([
    ["item", "race", "RACE"],
    ["result, which is told before it is flushed", "result-race", "R#race"],
  ] as const)("see each other's writes, and of many that want one %s, exactly one gets it", async (_, kind, pk) => {
    await using stores = await temporaryStores();
    const count = 300;
    const writers = ["a", "b", "c"].map((writer) => startWriter(stores.folder, writer, count, kind));
    const ended = await Promise.all(writers.map(({ ended: end }) => end));
    expect(ended.map(({ exitCode, stderr }) => [exitCode, stderr])).toEqual([
      [0, ""],
      [0, ""],
      [0, ""],
    ]);
    const won = ended.flatMap(({ stdout }) => acknowledged(stdout)).sort((x, y) => x - y);
    expect(won).toEqual(Array.from({ length: count }, (_, index) => index));
    // Each says of itself what the table says of it.
    const items = await stores.table.query(pk);
    for (const { sk, writer } of items) {
      const winner = ["a", "b", "c"].findIndex((_, index) => acknowledged(ended[index].stdout).includes(Number(sk)));
      expect(writer).toBe(["a", "b", "c"][winner]);
    }
  });
});

describe("a process that is stopped in the middle of a commit", () => {
  test("is named to those who wait for it, once, and they go on when it does", async () => {
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
    await using stores = await temporaryStores();
    const warnings: Error[] = [];
    const onWarning = (warning: Error) => warnings.push(warning);
    process.on("warning", onWarning);
    const writer = startWriter(stores.folder, "stopped", 1_000_000, "items");
    await told(writer, 400);
    let waiting: Promise<void> | undefined;
    while (!waiting) {
      writer.child.kill("SIGSTOP");
      const write = stores.table.put({ pk: "WAITS", sk: "s" });
      if ((await Promise.race([write, sleep(500, "waits")])) === "waits") waiting = write;
      else {
        writer.child.kill("SIGCONT");
        await sleep(5 * Math.random());
      }
    }
    vi.advanceTimersByTime(40_000);
    await sleep(50);
    expect(warnings.map(({ name, message }) => [name, message])).toEqual([
      ["StratolabWarning", expect.stringContaining(`process ${writer.child.pid} has it open and is stopped`)],
    ]);
    writer.child.kill("SIGCONT");
    await waiting;
    writer.child.kill("SIGKILL");
    await writer.ended;
    process.off("warning", onWarning);
    vi.useRealTimers();
  });
});

describe("a process killed with SIGKILL", () => {
  test.each([
    ["items", "W#"],
    ["results", "R#"],
  ] as const)(
    "while it writes %s has lost none that was acknowledged, and left none in halves",
    async (kind, prefix) => {
      await using stores = await temporaryStores();
      const writer = startWriter(stores.folder, "victim", 1_000_000, kind);
      await told(writer, 400);
      writer.child.kill("SIGKILL");
      const { stdout } = await writer.ended;
      const written = acknowledged(stdout);
      expect(written.length).toBeGreaterThanOrEqual(399);
      const keys = written.map((index) => ({ pk: `${prefix}victim#${index % 7}`, sk: String(index) }));
      const items = await stores.table.getMany(keys);
      expect(items.map((item) => item?.index)).toEqual(written);
      for await (const { index, v } of stores.table.scan(`${prefix}victim#`)) {
        expect(Buffer.from(v as Uint8Array).equals(Buffer.alloc(500, Number(index) % 251))).toBe(true);
      }
      // Whoever comes next is not held up by what it held.
      await stores.table.put({ pk: "AFTER", sk: "s" });
      expect(await stores.table.putIf({ pk: "AFTER", sk: "s" }, { when: "absent" })).toMatchObject({ written: false });
    },
  );

  test("while it writes objects has lost none that was acknowledged, and left none in halves", async () => {
    await using stores = await temporaryStores();
    const writer = startWriter(stores.folder, "victim", 1_000_000, "objects");
    await told(writer, 200);
    writer.child.kill("SIGKILL");
    const { stdout } = await writer.ended;
    const keys = new Set<string>();
    for await (const { key, bytes } of stores.objects.list("content/victim/")) {
      keys.add(key);
      expect(bytes).toBe(50_016);
    }
    for (const index of acknowledged(stdout)) expect(keys).toContain(`content/victim/${index}`);
    expect(keys.size).toBeGreaterThanOrEqual(199);
  });
});
