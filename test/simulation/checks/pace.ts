import type { Command } from "../../../sdk/core/commands.ts";
import { LAMBDA } from "../../../sdk/core/limits.ts";
import type { Lane } from "../../../sdk/core/offer.ts";
import { capacityGroups } from "../../../sdk/core/route.ts";
import type { Pace } from "../../../sdk/core/token-bucket.ts";
import { Check } from "./check.ts";

/** What began when, and how many at once: enough to look back over any stretch of time. */
type Begun = { readonly at: number; readonly count: number }[];

/** Never more begins, in any stretch of time, than the quota's burst and rate allow. */
export class PaceKept extends Check {
  readonly #groups = new Map(capacityGroups(this.scene.around.scenario.offer).map((group) => [group.name, group]));
  readonly #begun = new Map<string, Begun>();
  /** For each function the most invocations at once since it was last without any for long. */
  readonly #warm = new Map<string, { most: number; idleSince: number | undefined }>();
  readonly #functionOf = new Map<number, string>();

  override command(command: Command): void {
    if (command.type === "start-executors") {
      const launches = this.#groups.get(command.lane.group)?.launches;
      if (launches) this.#begin(command.lane.group, command.count, launches);
    } else if (command.type === "dispatch" && command.executor === undefined) {
      this.#functionOf.set(command.assignment, `${command.lane.name} #${command.copy ?? 0}`);
      const copies = this.#groups.get(command.lane.group)?.environments?.copies ?? 1;
      const { copy = 0 } = command;
      this.require("pace", copy < copies, () => `function ${copy} of ${copies} is to take an invocation`);
    }
  }

  /** It has an environment, which another driver has begun. */
  override adopted(assignment: number, _task: number, lane: Lane): void {
    if (lane.pool !== undefined) return;
    const name = `${lane.name} #0`;
    this.#functionOf.set(assignment, name);
    const most = (this.#warm.get(name)?.most ?? 0) + 1;
    this.#warm.set(name, { most, idleSince: undefined });
  }

  override afterStep(): void {
    const { now } = this.scene.around.agenda;
    const inFlight = new Map<string, { count: number; quota: Pace }>();
    for (const { id, lane } of this.scene.ledger.active()) {
      const quota = this.#groups.get(lane.group)?.environments;
      const name = this.#functionOf.get(id);
      if (!quota || name === undefined) continue;
      inFlight.set(name, { count: (inFlight.get(name)?.count ?? 0) + 1, quota });
    }
    for (const [name, { count, quota }] of inFlight) {
      const { most: before, idleSince } = this.#warm.get(name) ?? { most: 0, idleSince: undefined };
      const most = idleSince !== undefined && now - idleSince > LAMBDA.environmentKeptMs ? 0 : before;
      if (count > most) this.#begin(name, count - most, quota);
      this.#warm.set(name, { most: Math.max(most, count), idleSince: undefined });
    }
    for (const [name, warm] of this.#warm) if (!inFlight.has(name)) warm.idleSince ??= now;
  }

  #begin(what: string, count: number, { burst, perSecond }: Pace): void {
    const { now } = this.scene.around.agenda;
    const begun = this.#begun.get(what) ?? [];
    begun.push({ at: now, count });
    this.#begun.set(what, begun);
    let since = 0;
    for (let index = begun.length - 1; index >= 0; index--) {
      since += begun[index].count;
      const most = burst + ((now - begun[index].at) / 1_000) * perSecond;
      this.require("pace", since <= most + 1e-6, () => `${what}: ${since} begun where ${most.toFixed(2)} may`);
    }
  }
}
