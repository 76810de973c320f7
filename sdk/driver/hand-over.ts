import { setTimeout as sleep } from "node:timers/promises";
import { LabError } from "../errors.ts";
import type { LabPlan } from "../planning.ts";
import type { Runner } from "../runners/runner.ts";
import type { Cancelling } from "./cancelling.ts";
import type { StartOptions } from "./driver-options.ts";
import type { DriverParts } from "./parts.ts";
import type { RunStarts } from "./run-starts.ts";
import type { RunState } from "./run-state.ts";

/** Time that running attempts are given to end before their run is handed over, in milliseconds. */
const DETACH_DRAIN_MS = 2_000;

/** Runs that another driver begins, is given, or has taken. */
export class HandOvers {
  readonly #parts: DriverParts;
  readonly #starts: RunStarts;
  readonly #cancelling: Cancelling;

  constructor(parts: DriverParts, starts: RunStarts, cancelling: Cancelling) {
    this.#parts = parts;
    this.#starts = starts;
    this.#cancelling = cancelling;
  }

  async submit(plan: LabPlan, options: StartOptions): Promise<void> {
    const { claims, code, placements } = this.#parts;
    const { runner, namespace } = this.#parts.options;
    const { bustCache, deadlineMs, failFast, maxCostUsd, name, runId, tags = [] } = options;
    if (!runner.handOver) throw cannotHandOver(runner);
    placements.ofAll(plan.tasks);
    code.keep(plan.tasks);
    const endsBy = deadlineMs === undefined ? undefined : Date.now() + deadlineMs;
    const how = { failFast, generation: bustCache ? Date.now() : 0, endsBy, maxCostUsd };
    const manifest = await this.#starts.writeManifest(plan, { records: [] }, how);
    await claims.submit({ runId, name, tags, manifest, total: plan.tasks.length });
    await runner.handOver({ runId, namespace });
  }

  /**
   * Gives a run to a driver that the runner starts elsewhere. Attempts that outlive this process go on and
   * are taken over; others are given up, and made again from their last checkpoint.
   */
  async detach(run: RunState): Promise<void> {
    const { charges, chronicler, inFlight, journal, keeper, loop } = this.#parts;
    const { runner, namespace } = this.#parts.options;
    const { id } = run;
    if (!runner.handOver) throw cannotHandOver(runner);
    if (run.isOver || run.isSettled) throw new LabError("run-over", `run ${id} is over: there is nothing to detach`);
    const give = await keeper.handOver(run);
    run.isHandedOver = true;
    run.lost = new LabError("detached", `run ${id} goes on without this lab: follow it with lab.attach("${id}")`);
    // What ends in a moment is not worth being taken over.
    this.#cancelling.cancel(run, true);
    loop.flush();
    await Promise.race([run.ended, sleep(DETACH_DRAIN_MS)]);
    this.#cancelling.cancel(run, false);
    loop.flush();
    await Promise.all([journal.handOver(run), chronicler.handOver(run)]);
    const now = Date.now();
    charges.own.settle();
    charges.bill.leave(run.index, (executor) => inFlight.firstOn(executor) ?? now);
    await give();
    await runner.handOver({ runId: id, namespace });
    await run.ended;
  }

  /** A run is another driver's from now on: nothing more of it is begun here, and what runs is stopped. */
  lose(run: RunState, error: LabError): void {
    if (run.isOver) return;
    run.lost = error;
    this.#parts.progress.notice(error.message);
    this.#cancelling.cancel(run, false);
  }
}

const cannotHandOver = ({ name }: Runner) =>
  new LabError("no-detach", `runner ${name} has no driver elsewhere: use "local" or "aws" for that`);
