import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { afterEach, describe, expect, test } from "vitest";
import { ownMemory, treeMemory } from "../../runtime/memory.ts";
import { childrenOf, Family, signal, strays } from "../../runtime/process-tree.ts";
import { processesWith } from "../support/scripts.ts";

const MARK = `process-tree-${process.pid}`;
const started: ChildProcess[] = [];

afterEach(() => {
  for (const pid of processesWith(`STRATOLAB_TEST=${MARK}`)) signal(pid, "SIGKILL");
  started.length = 0;
});

/** Starts Node with a script that prints numbers, and resolves with the first line of them. */
async function start(script: string, env: NodeJS.ProcessEnv = {}): Promise<{ pid: number; printed: number[] }> {
  const child = spawn(process.execPath, ["-e", script], {
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, STRATOLAB_TEST: MARK, ...env },
  });
  started.push(child);
  const [line] = await once(createInterface(child.stdout as NodeJS.ReadableStream), "line");
  return { pid: child.pid as number, printed: String(line).split(" ").map(Number) };
}

const WAIT = "setInterval(() => {}, 1000);";
/** Starts a child that starts one itself, and prints the pids of both. */
const FAMILY = `
  const { spawn } = require("node:child_process");
  const inner = \`console.log(require("node:child_process").spawn("sleep", ["600"], { stdio: "ignore" }).pid); ${WAIT}\`;
  const child = spawn(process.execPath, ["-e", inner], { stdio: ["ignore", "pipe", "inherit"] });
  child.stdout.once("data", (text) => console.log(child.pid, Number(text)));
  process.on("SIGUSR2", () => child.kill("SIGKILL"));
  ${WAIT}
`;

/** Whether the process runs; one that has ended and was not yet waited for does not. */
const runs = (pid: number) => processesWith(`STRATOLAB_TEST=${MARK}`).includes(pid);
const gone = async (...pids: number[]) => {
  while (pids.some(runs)) await new Promise((resolve) => setTimeout(resolve, 5));
};

describe("the tree of processes", () => {
  test("is read from the kernel, and of a process that is gone nothing is", async () => {
    const { pid, printed } = await start(FAMILY);
    expect(childrenOf(process.pid)).toContain(pid);
    expect(childrenOf(pid)).toEqual([printed[0]]);
    expect(childrenOf(printed[0])).toEqual([printed[1]]);
    expect(childrenOf(2 ** 30)).toEqual([]);
    signal(2 ** 30, "SIGKILL");
  });

  test("is counted as one in memory", async () => {
    const held = 80 * 2 ** 20;
    const script = `globalThis.held = Buffer.alloc(${held}, 1); console.log(0); ${WAIT}`;
    const { pid } = await start(script);
    expect(treeMemory(pid)).toBeGreaterThan(held);
    expect(treeMemory(pid)).toBeLessThan(3 * held);
    expect(treeMemory(process.pid)).toBeGreaterThan(ownMemory() + held);
    expect(treeMemory(2 ** 30)).toBe(0);
  });
});

describe("a family", () => {
  test("is killed to the last, but for its root", async () => {
    const { pid, printed } = await start(FAMILY);
    new Family(pid).kill();
    await gone(...printed);
    expect(runs(pid)).toBe(true);
  });

  test("remembers who was seen, also after the one between has died", async () => {
    const { pid, printed } = await start(FAMILY);
    const [child, grandchild] = printed;
    const family = new Family(pid);
    family.look();
    signal(pid, "SIGUSR2");
    await gone(child);
    expect(runs(grandchild)).toBe(true);
    family.kill();
    await gone(grandchild);
  });

  test("takes in whoever is known by other means, and forgets all when they are dead", async () => {
    const { pid } = await start(`console.log(0); ${WAIT}`);
    const family = new Family(2 ** 30);
    family.add(pid);
    family.kill();
    await gone(pid);
    const next = await start(`console.log(0); ${WAIT}`);
    family.kill();
    expect(runs(next.pid)).toBe(true);
  });
});

describe("strays", () => {
  test("are found by the mark they inherited, wherever they went", async () => {
    const script = `
      const { spawn } = require("node:child_process");
      const away = spawn("sleep", ["600"], { detached: true, stdio: "ignore" });
      console.log(away.pid);
      ${WAIT}
    `;
    const id = `${MARK}-1`;
    const { pid, printed } = await start(script, { STRATOLAB_EXECUTOR: id });
    const other = await start(`console.log(0); ${WAIT}`, { STRATOLAB_EXECUTOR: `${id}0` });
    expect(strays(id).sort()).toEqual([pid, ...printed].sort());
    signal(pid, "SIGKILL");
    await gone(pid);
    expect(strays(id)).toEqual(printed);
    expect(strays(`${id}0`)).toEqual([other.pid]);
    expect(strays("nobody")).toEqual([]);
  });
});
