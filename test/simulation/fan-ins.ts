import type { FanIn } from "../../sdk/wire/fan-in.ts";
import type { ObjectSlot } from "../../sdk/wire/slot.ts";
import type { Surroundings } from "./execution.ts";
import type { Order, OrderedAttempt, OrderedFanIn, SimulatedOutcome } from "./messages.ts";

/** What an order's executor does with the fan-ins that it was told of, after `runtime/fan-ins.ts`. */
export class FanIns {
  readonly #around: Surroundings;
  readonly #open: readonly { fanIn: OrderedFanIn; own: Set<number>; brought: Map<number, ObjectSlot> }[];

  constructor(around: Surroundings, { attempts, fanIns }: Order) {
    this.#around = around;
    const own = attempts.map(({ position }) => position);
    this.#open = fanIns.map((fanIn) => ({
      fanIn,
      own: new Set(fanIn.waitsFor.filter((position) => own.includes(position))),
      brought: new Map(),
    }));
  }

  /** An attempt has ended. @returns What its executor goes on with. */
  after({ position }: OrderedAttempt, outcome: SimulatedOutcome): OrderedAttempt[] {
    if (outcome.kind !== "ok" || !("value" in outcome) || outcome.isUnstored) return [];
    const { fate, scenario, storage } = this.#around;
    return this.#open.flatMap(({ fanIn, own, brought }) => {
      const { attempt, name, waitsFor } = fanIn;
      if (!waitsFor.includes(position)) return [];
      own.delete(position);
      brought.set(position, outcome.value);
      if (own.size > 0) return [];
      const all = storage.bring(name, waitsFor, brought);
      brought.clear();
      if (!all) return [];
      fate.count("fan-in");
      const { dependencies } = scenario.tasks[attempt.position];
      return { ...attempt, inputs: attempt.inputs.map((input, at) => input ?? all.get(dependencies[at])) };
    });
  }
}

/** What is told with the end of an attempt: what follows, and that it was one of these itself. */
export function toldOf(
  { fanIns }: Order,
  ended: OrderedAttempt,
  more: readonly OrderedAttempt[],
): { goesOnWith?: readonly FanIn[] } {
  const isOne = fanIns.some(({ attempt }) => attempt.task === ended.task);
  const all = isOne ? [ended, ...more] : more;
  return all.length > 0 ? { goesOnWith: all.map(({ task, number }) => ({ task, attempt: number })) } : {};
}
