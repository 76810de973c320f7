import type { Lane } from "./offer.ts";
import { ec2Dollars, fargateDollars, lambdaDollars } from "./prices.ts";

/**
 * Dollars for one executor of a lane that works for so long, in milliseconds, alone: an invocation, or an ECS
 * task with the time that is charged at least. Undefined where no price is known; this machine costs nothing.
 */
export function laneDollars(lane: Lane, ms: number): number | undefined {
  const { service, memoryMb = 0, cpus, spot, architecture } = lane;
  switch (service) {
    case "lambda":
      return lambdaDollars(memoryMb, ms, architecture);
    case "fargate":
      return fargateDollars({ vcpus: cpus, memoryMb, spot, ms, architecture });
    case "ec2":
      return spot ? undefined : ec2Dollars(lane.instanceType ?? "", lane.share ?? 1, ms);
    default:
      return 0;
  }
}

/**
 * From which duration on, in milliseconds, the second lane is cheaper than the first: found in the prices, not
 * written down. Undefined where it never is within `longestMs`, or where a price is not known.
 */
export function breakEvenMs(first: Lane, second: Lane, longestMs: number): number | undefined {
  const isCheaper = (ms: number) => {
    const [one, other] = [laneDollars(first, ms), laneDollars(second, ms)];
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
