import type { Demand } from "../core/demand.ts";
import type { Offer } from "../core/offer.ts";
import { type Placement, route } from "../core/route.ts";
import { InfeasibleError } from "../errors.ts";
import type { PlannedTask } from "../planning.ts";

interface Latest {
  readonly estimateMs: number | undefined;
  readonly slackMs: number | undefined;
  readonly found: ReturnType<typeof route>;
}

/** Finds where tasks go; tasks with equal demands, of which the same is known, are looked up once. */
export class Placements {
  readonly offer: Offer;
  readonly #estimateMs: (type: string) => number | undefined;
  readonly #found = new Map<string, ReturnType<typeof route>>();
  /** The latest of each demand: tasks share theirs. */
  readonly #latest = new WeakMap<Demand, Latest>();

  /** @param estimateMs How long attempts of a task type take, where that is recorded. */
  constructor(offer: Offer, estimateMs: (type: string) => number | undefined = () => undefined) {
    this.offer = offer;
    this.#estimateMs = estimateMs;
  }

  /** @param slackMs How long it may take for its run to end in time. */
  of(planned: PlannedTask, slackMs?: number): ReturnType<typeof route> {
    const estimateMs = this.#estimateMs(planned.name);
    const latest = this.#latest.get(planned.demand);
    if (latest && latest.estimateMs === estimateMs && latest.slackMs === slackMs) return latest.found;
    const found = this.#find(planned.demand, estimateMs, slackMs);
    this.#latest.set(planned.demand, { estimateMs, slackMs, found });
    return found;
  }

  #find(demand: Demand, estimateMs: number | undefined, slackMs: number | undefined): ReturnType<typeof route> {
    // Two digits are enough to decide by, and let tasks share what was found.
    const known =
      estimateMs === undefined
        ? undefined
        : { durationMs: twoDigits(estimateMs), slackMs: slackMs === undefined ? undefined : twoDigits(slackMs) };
    const key = JSON.stringify([demand, known]);
    let found = this.#found.get(key);
    if (!found) {
      found = route(demand, this.offer, known);
      this.#found.set(key, found);
    }
    return found;
  }

  /**
   * Where each of the tasks goes.
   *
   * @throws InfeasibleError naming every task type that no executor can run, and the nearest that would do.
   */
  ofAll(tasks: readonly PlannedTask[]): Placement[] {
    const reasons = new Map<string, string>();
    const refused: PlannedTask[] = [];
    const placements = tasks.map((planned) => {
      const placement = this.of(planned);
      if ("infeasible" in placement) {
        refused.push(planned);
        reasons.set(`${planned.name}/${placement.infeasible}`, `task ${planned.task}: ${placement.infeasible}`);
      }
      return placement as Placement;
    });
    if (refused.length > 0) {
      throw new InfeasibleError(
        [...reasons.values()].join("\n"),
        refused.map(({ task }) => task),
      );
    }
    return placements;
  }
}

const twoDigits = (value: number) => Number(value.toPrecision(2));
