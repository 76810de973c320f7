import type { Lane } from "../core/offer.ts";
import type { Placement } from "../core/route.ts";

/** Why the first attempt of a task goes to a lane of its placement, in one clause. */
export function whyThere({ ladder, reason }: Placement, lane: Lane): string {
  const [first] = ladder;
  if (lane.name === first.name) return reason;
  if (first.spot && !lane.spot && lane.memoryMb === first.memoryMb) {
    return `${reason}; On-Demand, since there was no Spot capacity`;
  }
  return `smaller sizes are known to be too small for it; the first choice was ${first.name} (${reason})`;
}
