import { findRuns, type RunInfo } from "../../sdk/runs.ts";
import type { ControlTable } from "../../sdk/stores/control-table.ts";

const DAY_MS = 86_400_000;
/** How often all days are asked about, in milliseconds: most of them do not change. */
const ALL_EVERY_MS = 60_000;

/** The runs of a namespace: days that are long over are asked about once a minute. */
export class RunList {
  readonly #table: ControlTable;
  readonly #namespace: string;
  #runs: readonly RunInfo[] = [];
  #allReadAt = Number.NEGATIVE_INFINITY;

  constructor(table: ControlTable, namespace: string) {
    this.#table = table;
    this.#namespace = namespace;
  }

  /** The runs there are, newest first. */
  async read(): Promise<readonly RunInfo[]> {
    const now = Date.now();
    const isWhole = now - this.#allReadAt >= ALL_EVERY_MS;
    const since = isWhole ? 0 : now - DAY_MS;
    const recent = await findRuns(this.#table, this.#namespace, { since });
    const older = isWhole ? [] : this.#runs.filter(({ startedAt }) => startedAt < since);
    this.#runs = [...recent, ...older];
    if (isWhole) this.#allReadAt = now;
    return this.#runs;
  }
}
