import type { CapacityProviderStrategyItem } from "./wire.ts";

/**
 * The provider of each of `count` ECS tasks: first every provider's `base`, then whichever is
 * furthest below its share by `weight`. An empty list when no provider has a weight.
 */
export function spreadOverProviders(strategy: readonly CapacityProviderStrategyItem[], count: number): string[] {
  const chosen: string[] = [];
  for (const { capacityProvider, base = 0 } of strategy) {
    for (let index = 0; index < base && chosen.length < count; index += 1) chosen.push(capacityProvider);
  }
  // AWS takes an absent weight for 0, except that a single provider then gets everything.
  const weights = strategy.map(({ weight }) => weight ?? (strategy.length === 1 ? 1 : 0));
  if (weights.every((weight) => weight === 0)) return chosen;
  const given = strategy.map(() => 0);
  while (chosen.length < count) {
    let next = -1;
    let lowest = Number.POSITIVE_INFINITY;
    for (const [index, weight] of weights.entries()) {
      const fill = weight > 0 ? (given[index]! + 1) / weight : Number.POSITIVE_INFINITY;
      if (fill < lowest) [next, lowest] = [index, fill];
    }
    given[next]! += 1;
    chosen.push(strategy[next]!.capacityProvider);
  }
  return chosen;
}
