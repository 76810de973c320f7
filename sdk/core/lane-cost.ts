import { rateOf, timeUsd } from "./attempt-cost.ts";
import type { Lane } from "./offer.ts";
import { isPriceKnown } from "./prices.ts";

/**
 * What lanes are compared by: dollars for one executor of a lane that works for so long, in milliseconds, alone, so
 * with the time that is charged at least. Undefined where no price is known, and for EC2's Spot instances, whose
 * usual price is too rough to decide by; this machine costs nothing.
 */
export function laneUsd(lane: Lane, ms: number): number | undefined {
  if (lane.service === "ec2" && (lane.spot || !isPriceKnown(lane.instanceType ?? ""))) return undefined;
  return timeUsd(rateOf(lane), ms);
}

/**
 * From which duration on, in milliseconds, the second lane is cheaper than the first: found in the prices, not
 * written down. Undefined where it never is within `longestMs`, or where a price is not known.
 */
export function breakEvenMs(first: Lane, second: Lane, longestMs: number): number | undefined {
  const isCheaper = (ms: number) => {
    const [one, other] = [laneUsd(first, ms), laneUsd(second, ms)];
    return one !== undefined && other !== undefined && other < one;
  };
  if (!isCheaper(longestMs)) return undefined;
  let [low, high] = [0, longestMs];
  while (high - low > 1) {
    const middle = (low + high) / 2;
    if (isCheaper(middle)) high = middle;
    else low = middle;
  }
  return Math.round(high);
}
