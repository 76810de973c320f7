import type { Scenario } from "./scenario.ts";
import type { Shrunk } from "./shrink.ts";
import type { SimulationResult } from "./simulate.ts";

/** What many simulations came to, together. */
export class Tally {
  seeds = 0;
  steps = 0;
  virtualMs = 0;
  violated = 0;
  readonly faults = new Map<string, number>();

  add({ steps, virtualMs, faults, violations }: SimulationResult): void {
    this.seeds += 1;
    this.steps += steps;
    this.virtualMs += virtualMs;
    if (violations.length > 0) this.violated += 1;
    for (const [fault, times] of faults) this.faults.set(fault, (this.faults.get(fault) ?? 0) + times);
  }

  /** Faults by how often they struck: `5 eviction, 3 death`. */
  get faultsInWords(): string {
    const sorted = [...this.faults].sort(([, a], [, b]) => b - a);
    return sorted.map(([fault, times]) => `${times} ${fault}`).join(", ") || "none";
  }

  get inWords(): string {
    return `${this.seeds} seeds simulated, ${this.steps} steps, ${this.violated} with a violated invariant`;
  }
}

export const replayOf = (seed: number) => `npm run simulate -- --seed ${seed}`;

/** A violation with the shortest history that was found for it. */
export function violationInWords(seed: number, { scenario, result }: Shrunk): string {
  return [
    ...describe(scenario),
    ...result.history.map((line) => `  ${line}`),
    ...result.violations.map(({ invariant, seen }) => `seed ${seed}: ${invariant}: ${seen}`),
    `replay with: ${replayOf(seed)}`,
  ].join("\n");
}

function describe({ tasks, concurrency, quota, offer }: Scenario): string[] {
  const services = offer.map((each) => ("spot" in each && each.spot ? `${each.service} spot` : each.service));
  return [
    `on ${services.join(", ")}; concurrency ${concurrency}, quota ${quota}`,
    ...tasks.map(({ id: _, ...task }, position) => `  task ${position}: ${JSON.stringify(task)}`),
  ];
}
