import type { ProcessTable } from "../processes/process-table.ts";
import { usageOf } from "./process-usage.ts";

/** Processes that are held to a limit. */
export interface Watched {
  /** Owner that the processes' owners start with. */
  readonly owner: string;
  /** Owner that all containers of the ECS task start with. */
  readonly taskOwner: string;
  readonly memoryBytes: number | undefined;
  readonly taskMemoryBytes: number | undefined;
  readonly onExceeded: () => void;
}

/** Looks at most this share of the time, however many processes there are. */
const DUTY = 0.1;

/**
 * Plays the kernel's part: adds up what the processes of each container use, many times a second,
 * and tells when a container's or its ECS task's limit is exceeded. One look serves all.
 */
export class MemoryWatch {
  readonly #table: ProcessTable;
  readonly #prefix: string;
  readonly #pollMs: number;
  readonly #watched = new Set<Watched>();
  #timer: NodeJS.Timeout | undefined;

  constructor(table: ProcessTable, prefix: string, pollMs: number) {
    this.#table = table;
    this.#prefix = prefix;
    this.#pollMs = pollMs;
  }

  /** Watches until the returned function is called. */
  add(watched: Watched): () => void {
    this.#watched.add(watched);
    this.#schedule(this.#pollMs);
    return () => {
      this.#watched.delete(watched);
    };
  }

  #schedule(delayMs: number): void {
    if (this.#timer) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      if (this.#watched.size === 0) return;
      const start = performance.now();
      this.#look();
      this.#schedule(Math.max(this.#pollMs, (performance.now() - start) / DUTY));
    }, delayMs);
    this.#timer.unref();
  }

  #look(): void {
    const bytes = new Map<string, number>();
    for (const { pid, owner } of this.#table.owned(this.#prefix)) {
      bytes.set(owner, (bytes.get(owner) ?? 0) + usageOf(pid).memoryBytes);
    }
    const used = (prefix: string) =>
      [...bytes].reduce((total, [owner, used]) => total + (owner.startsWith(prefix) ? used : 0), 0);
    const over = [...this.#watched].filter(
      ({ owner, taskOwner, memoryBytes, taskMemoryBytes }) =>
        (memoryBytes !== undefined && used(owner) > memoryBytes) ||
        (taskMemoryBytes !== undefined && used(taskOwner) > taskMemoryBytes && isLargest(owner, taskOwner, bytes)),
    );
    for (const watched of over) watched.onExceeded();
  }
}

/** Where the containers of an ECS task exceed its limit together, the kernel kills the largest. */
function isLargest(owner: string, taskOwner: string, bytes: ReadonlyMap<string, number>): boolean {
  const own = bytes.get(owner) ?? 0;
  return [...bytes].every(([other, used]) => !other.startsWith(taskOwner) || used <= own);
}
