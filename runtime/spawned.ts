import childProcess, { ChildProcess } from "node:child_process";
import { syncBuiltinESMExports } from "node:module";
import { Family, signal, strays } from "./process-tree.ts";

/** The part of Node's class that starts every asynchronous child process. */
interface Spawning {
  pid?: number;
  spawn(...args: unknown[]): unknown;
}

/**
 * Ends what a task has started when its attempt is over. Looking for processes is dear, so it is done
 * only after something was started.
 */
export class SpawnedProcesses {
  readonly #executorId: string;
  readonly #family = new Family(process.pid);
  readonly #onSpawn: () => void;
  #any = false;

  /** @param onSpawn Called before something is started. */
  constructor(executorId: string, onSpawn: () => void) {
    this.#executorId = executorId;
    this.#onSpawn = onSpawn;
  }

  /** Takes note of every process that is started from now on. Call it before user code is loaded. */
  watch(): void {
    const before = () => {
      this.#any = true;
      this.#onSpawn();
    };
    const family = this.#family;
    const prototype = ChildProcess.prototype as unknown as Spawning;
    const { spawn } = prototype;
    prototype.spawn = function noted(this: Spawning, ...args: unknown[]) {
      before();
      const result = Reflect.apply(spawn, this, args);
      if (this.pid !== undefined) family.add(this.pid);
      return result;
    };
    // The synchronous ones wait for their child, but not for what the child has left behind.
    const module = childProcess as unknown as Record<string, (...args: unknown[]) => unknown>;
    for (const name of ["spawnSync", "execSync", "execFileSync"]) {
      const original = module[name];
      module[name] = (...args) => {
        before();
        return original(...args);
      };
    }
    syncBuiltinESMExports();
  }

  /** Ends everything that was started since the last time. */
  end(): void {
    if (!this.#any) return;
    this.#any = false;
    this.#family.kill();
    for (const pid of strays(this.#executorId)) signal(pid, "SIGKILL");
  }
}
