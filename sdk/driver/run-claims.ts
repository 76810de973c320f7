import { claim, LEASE_MS } from "../core/lease.ts";
import { LabError } from "../errors.ts";
import type { ControlTable } from "../stores/control-table.ts";
import { createRun, type RunRecord, readRuns, takeRun, updateRun } from "../stores/runs.ts";
import type { Slot } from "../wire/slot.ts";
import type { RunState } from "./run-state.ts";
import { isCertainlyGone, thisProcess } from "./this-process.ts";

/** Tasks of a run that nobody has looked at yet. */
const NO_COUNTS = { total: 0, cached: 0, done: 0, failed: 0, cancelled: 0, running: 0, pending: 0 };

/** Whose runs they are. */
export interface RunOwner {
  readonly table: ControlTable;
  readonly namespace: string;
  /** Unique among all labs. */
  readonly labId: string;
  readonly runner: string;
  /** SHA-256 of the code of its runs. */
  readonly bundle: string;
}

/** What a run is asked for by, and called. */
interface Identity {
  readonly runId: string;
  readonly name: string | undefined;
  readonly tags: readonly string[] | undefined;
}

/** The record of a run that this process drives from now on. */
export function newRecord(
  { namespace, labId, runner, bundle }: RunOwner,
  { id, name, tags, startedAt, epoch }: Pick<RunState, "id" | "name" | "tags" | "startedAt" | "epoch">,
): RunRecord {
  return {
    id,
    namespace,
    name,
    tags,
    runner,
    status: "running",
    startedAt,
    endedAt: undefined,
    counts: NO_COUNTS,
    costUsd: 0,
    failures: [],
    driver: thisProcess(),
    cancelRequested: false,
    isFollowed: false,
    bundle,
    manifest: undefined,
    handedOverAt: undefined,
    lease: { holder: labId, epoch, until: Date.now() + LEASE_MS },
  };
}

/** Who drives a run that may have, or is to have, another driver. */
export class RunClaims {
  readonly #owner: RunOwner;
  readonly #isHere: (runId: string) => boolean;

  /** @param isHere Whether a run is under way in this lab. */
  constructor(owner: RunOwner, isHere: (runId: string) => boolean) {
    this.#owner = owner;
    this.#isHere = isHere;
  }

  /**
   * Takes an earlier run, to drive it from now on.
   *
   * @throws LabError when it has another driver that is alive.
   */
  async claim({ runId: id, name, tags }: Identity): Promise<RunRecord> {
    const { table, namespace, labId } = this.#owner;
    if (this.#isHere(id)) {
      throw new LabError("run-held", `run ${id} is under way in this very lab: wait for it, or cancel it`);
    }
    for (;;) {
      const [existing] = await readRuns(table, namespace, [id]);
      const isGone = existing !== undefined && isCertainlyGone(existing.driver);
      const claimed = claim(existing?.lease, labId, Date.now(), isGone);
      if (claimed.kind === "refused") throw heldBy(existing as RunRecord, claimed.waitMs);
      const of = { id, name, tags: tags ?? [], startedAt: Date.now(), epoch: claimed.epoch };
      const fresh = newRecord(this.#owner, of);
      if (!existing) {
        if (!(await createRun(table, fresh))) return fresh;
      } else {
        const { startedAt, counts, costUsd, heldMs, refused, cancelRequested, manifest } = existing;
        const known = { name: name ?? existing.name, tags: tags ?? existing.tags };
        const kept = {
          startedAt,
          counts,
          costUsd,
          ...(refused ? { refused } : {}),
          ...(heldMs ? { heldMs } : {}),
          manifest,
          ...known,
        };
        // Whoever asked for the end of a run while nobody drove it is heard now; what ended by that goes on.
        const isAsked = cancelRequested && existing.status === "running";
        const taking = { ...fresh, ...kept, cancelRequested: isAsked };
        if (await takeRun(table, taking, existing.lease)) return taking;
      }
      // Somebody else was faster: they are asked about now.
    }
  }

  /** Gives back a run that could not begin. */
  async release(claimed: RunRecord): Promise<void> {
    const endedAt = Date.now();
    // Without this it lapses by itself.
    await updateRun(this.#owner.table, claimed, { ...claimed, status: "failed", endedAt, until: 0 }).catch(() => {});
  }

  /** Records a run that another driver is to begin. */
  async submit(run: Identity & { readonly manifest: Slot; readonly total: number }): Promise<void> {
    const { runId: id, name, tags, manifest, total } = run;
    const startedAt = Date.now();
    const record = newRecord(this.#owner, { id, name, tags: tags ?? [], startedAt, epoch: 0 });
    const counts = { ...record.counts, total, pending: total };
    const lease = { ...record.lease, until: 0 };
    await createRun(this.#owner.table, { ...record, counts, manifest, handedOverAt: startedAt, lease });
  }
}

/** A run has a driver that is alive. */
function heldBy({ id, driver, lease }: RunRecord, waitMs: number): LabError {
  const seconds = Math.ceil(waitMs / 1000);
  return new LabError(
    "run-held",
    `run ${id} is driven by ${driver.host} (process ${driver.pid}, its driver number ${lease.epoch}): ` +
      `wait for it, cancel it, or try again in ${seconds} s, when it can be taken over if that one says nothing more`,
  );
}
