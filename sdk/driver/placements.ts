import type { Offer } from "../core/offer.ts";
import { type Placement, route } from "../core/route.ts";
import { InfeasibleError } from "../errors.ts";
import type { PlannedTask } from "../planning.ts";

/** Finds where tasks go; tasks with equal demands are looked up once. */
export class Placements {
  readonly offer: Offer;
  readonly #found = new Map<string, ReturnType<typeof route>>();

  constructor(offer: Offer) {
    this.offer = offer;
  }

  of(planned: PlannedTask): ReturnType<typeof route> {
    const key = JSON.stringify(planned.demand);
    let found = this.#found.get(key);
    if (!found) {
      found = route(planned.demand, this.offer);
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
