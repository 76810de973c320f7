import type { PlannedTask } from "../planning.ts";
import { recordCode } from "../stores/code-versions.ts";
import type { Stores } from "../stores/stores.ts";
import type { CodePart } from "../wire/code-part.ts";

/** Writes down what the code of tasks that run is made of: once for each code version and lab. */
export class CodeKeeper {
  readonly #stores: Stores;
  readonly #code: ReadonlyMap<string, readonly CodePart[]>;
  readonly #kept = new Set<string>();
  #writing: Promise<void> = Promise.resolve();

  constructor(stores: Stores, code: ReadonlyMap<string, readonly CodePart[]>) {
    this.#stores = stores;
    this.#code = code;
  }

  keep(tasks: readonly PlannedTask[]): void {
    const fresh = new Map<string, readonly CodePart[]>();
    for (const { version } of tasks) {
      const parts = this.#kept.has(version) ? undefined : this.#code.get(version);
      if (parts) fresh.set(version, parts);
    }
    if (fresh.size === 0) return;
    for (const version of fresh.keys()) this.#kept.add(version);
    // It only ever explains: no run fails for it.
    const written = recordCode(this.#stores, fresh).catch(() => {});
    this.#writing = Promise.all([this.#writing, written]).then(() => {});
  }

  /** Resolves when everything that was to be kept is written. */
  written(): Promise<void> {
    return this.#writing;
  }
}
