import { readdirSync, readFileSync } from "node:fs";
import { ExecutorEnv } from "../sdk/wire/protocol.ts";

/** Reading `/proc` is Linux's way; elsewhere only the process group can be reached. */
const PROC = process.platform === "linux" ? "/proc" : undefined;

function read(path: string): string {
  if (!PROC) return "";
  try {
    return readFileSync(`${PROC}/${path}`, "latin1");
  } catch {
    // It ended in the meantime, or belongs to somebody else.
    return "";
  }
}

/** Children of a process, as the kernel lists them for its first thread. */
export function childrenOf(pid: number): number[] {
  return read(`${pid}/task/${pid}/children`).split(" ").filter(Boolean).map(Number);
}

/** A process and everything it started, as far as each is still below its parent. */
export function* processTree(root: number): Generator<number> {
  const queue = [root];
  for (let pid = queue.pop(); pid !== undefined; pid = queue.pop()) {
    yield pid;
    queue.push(...childrenOf(pid));
  }
}

/** When a process started, in ticks since boot: tells it from a later one with the same number. */
function startOf(pid: number): string | undefined {
  const stat = read(`${pid}/stat`);
  // The name stands in brackets and may hold anything; what is counted comes after it.
  return stat === "" ? undefined : stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
}

/** Sends a signal; a process that is already gone is fine. */
export function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It ended by itself.
  }
}

/** Processes that an executor's tasks started, found by the mark they inherited, wherever they went. */
export function strays(executorId: string): number[] {
  if (!PROC) return [];
  const mark = `${ExecutorEnv.executor}=${executorId}`;
  return readdirSync(PROC)
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter((name) => read(`${name}/environ`).split("\0").includes(mark))
    .map(Number);
}

/** How often it is noted which processes a task has started, in milliseconds. */
const LOOK_EVERY_MS = 250;
/** Families that are looked at all the time, in one go: whoever wakes up takes a processor from tasks. */
const lookedAt = new Set<Family>();
let looking: NodeJS.Timeout | undefined;

/**
 * Everything below a process, remembered: a child whose parent has died belongs to somebody else in
 * the process table, but not here. Look often; whoever leaves its family between two looks, and its
 * environment with it, is lost sight of.
 */
export class Family {
  readonly #root: number;
  readonly #known = new Map<number, string>();

  constructor(root: number) {
    this.#root = root;
  }

  /** Takes in who is there now. */
  look(): void {
    const queue = [this.#root, ...this.#known.keys()];
    const seen = new Set<number>();
    for (let pid = queue.pop(); pid !== undefined; pid = queue.pop()) {
      if (seen.has(pid)) continue;
      seen.add(pid);
      for (const child of childrenOf(pid)) {
        this.add(child);
        queue.push(child);
      }
    }
  }

  /**
   * Looks four times a second.
   *
   * @returns Ends it.
   */
  keepLooking(): () => void {
    lookedAt.add(this);
    looking ??= setInterval(() => {
      for (const family of lookedAt) family.look();
    }, LOOK_EVERY_MS).unref();
    return () => {
      lookedAt.delete(this);
      if (lookedAt.size > 0) return;
      clearInterval(looking);
      looking = undefined;
    };
  }

  /** Takes in a process that is known by other means. */
  add(pid: number): void {
    const start = startOf(pid);
    if (start !== undefined && !this.#known.has(pid)) this.#known.set(pid, start);
  }

  /** Kills all of them, but not the root. */
  kill(): void {
    this.look();
    for (const [pid, start] of this.#known) if (startOf(pid) === start) signal(pid, "SIGKILL");
    this.#known.clear();
  }
}
