import type { Lane } from "./offer.ts";
import { ec2Second, fargateSecond, lambdaSecond, PRICES } from "./prices.ts";

/*
 * What attempts cost, in dollars. Compute is charged by time and lane. What is stored and asked for on the
 * way is an estimate from sizes and from how the runners work.
 */

/** How the time of an executor is charged. */
export interface Rate {
  readonly perSecond: number;
  /** Once, at its start. */
  readonly perStart: number;
  /** Seconds that are charged at least. */
  readonly minimumSeconds: number;
  /** Requests of an executor that is there, each second. */
  readonly inTouchPerSecond: number;
}

const FREE: Rate = { perSecond: 0, perStart: 0, minimumSeconds: 0, inTouchPerSecond: 0 };
/**
 * What keeping in touch with a container costs a second: it looks into its inbox about once, and into the
 * lab's sign of life every ten seconds; it says something every five; the driver reads its feed.
 */
const IN_TOUCH_SECOND = 1.8 * PRICES.dynamo.readUnit + 0.2 * PRICES.dynamo.writeUnit;

/** How an executor of a lane is charged: nothing on this machine. */
export function rateOf(lane: Lane): Rate {
  const { service, cpus, memoryMb = 0, ephemeralStorageMb = 0, spot, architecture = "x86_64" } = lane;
  switch (service) {
    case "lambda": {
      const perSecond = lambdaSecond(memoryMb, ephemeralStorageMb, architecture);
      return { perSecond, perStart: PRICES.lambda.request, minimumSeconds: 0.001, inTouchPerSecond: 0 };
    }
    case "fargate": {
      const publicAddress = lane.publicAddress ?? false;
      const shape = { vcpus: cpus, memoryMb, spot, storageMb: ephemeralStorageMb, architecture, publicAddress };
      return containerRate(fargateSecond(shape));
    }
    case "ec2": {
      return containerRate(ec2Second(lane.instanceType ?? "", lane.share ?? 1, spot));
    }
    default:
      return FREE;
  }
}

const containerRate = (perSecond: number): Rate => ({
  perSecond,
  perStart: 0,
  minimumSeconds: PRICES.minimumSeconds,
  inTouchPerSecond: IN_TOUCH_SECOND,
});

/** Dollars for an executor that was there for so long, in milliseconds. */
export function timeUsd({ perSecond, perStart, minimumSeconds, inTouchPerSecond }: Rate, ms: number): number {
  const seconds = Math.max(0, ms / 1000);
  return perStart + perSecond * Math.max(minimumSeconds, seconds) + inTouchPerSecond * seconds;
}

/** What an attempt moved and stored. */
export interface Traffic {
  /** Size of the encoded params, in bytes. */
  readonly paramBytes: number;
  /** Size of the encoded result, in bytes; undefined where there is none. */
  readonly resultBytes?: number;
  /** The result is an object of its own, and not in the control table. */
  readonly resultIsObject?: boolean;
  /** Objects that it loaded: large params, results of other tasks. */
  readonly objectsLoaded: number;
  /** Attempts that shared its dispatch, itself included. */
  readonly shared: number;
}

/** What an item of the control table holds beside the user's bytes. */
const ITEM_BYTES = 350;
const WRITE_UNIT_BYTES = 1024;
const GB = 2 ** 30;

/**
 * Dollars for the requests of an attempt, and for keeping its result a month, on Lambda and ECS: a look-up,
 * a commit, objects loaded and stored; on ECS the letter and what is told in the feed, too.
 */
export function trafficUsd(lane: Lane, traffic: Traffic): number {
  if (lane.service === "local" || lane.service === "custom") return 0;
  const { paramBytes, resultBytes, resultIsObject = false, objectsLoaded, shared } = traffic;
  const { dynamo, s3 } = PRICES;
  const units = (bytes: number) => Math.ceil((ITEM_BYTES + bytes) / WRITE_UNIT_BYTES) * dynamo.writeUnit;
  let usd = dynamo.readUnit + objectsLoaded * s3.get;
  if (lane.service !== "lambda") usd += units(paramBytes * shared) / shared + units(Math.min(resultBytes ?? 0, 2048));
  if (resultBytes === undefined) return usd;
  usd += units(paramBytes + (resultIsObject ? 0 : resultBytes));
  usd += ((ITEM_BYTES + paramBytes) / GB) * dynamo.gbMonth;
  // The object is stored, kept, and loaded by whoever asked for it.
  if (resultIsObject) usd += s3.put + s3.get + (resultBytes / GB) * s3.gbMonth;
  return usd;
}

/** How long an attempt may take as far as anybody can say: an hour, where nothing bounds it. */
const UNBOUNDED_MS = 3_600_000;

/**
 * The most that an attempt is expected to take, in milliseconds: what its type was measured to take, with
 * twice its deviation; where it was never measured, its `timeoutMs`, or the service's own longest (15 minutes
 * on Lambda), or an hour.
 */
export function ceilingMs(lane: Lane, cautiousMs: number | undefined, timeoutMs: number | undefined): number {
  const bound = Math.min(timeoutMs ?? Number.POSITIVE_INFINITY, lane.maxTimeoutMs ?? Number.POSITIVE_INFINITY);
  if (cautiousMs !== undefined) return Math.min(cautiousMs, bound);
  return bound === Number.POSITIVE_INFINITY ? UNBOUNDED_MS : bound;
}

/** What an invocation takes before and after its attempt when it is warm, and at most: a cold start, loading code. */
const AROUND_AN_INVOCATION_MS = { usual: 50, most: 1_500 };

/**
 * What an attempt is expected to cost that takes so long, in milliseconds. On ECS its container's first minute is
 * no part of it.
 */
export function attemptUsd(lane: Lane, ms: number, paramBytes: number, around: "usual" | "most" = "usual"): number {
  const rate = rateOf(lane);
  if (rate === FREE) return 0;
  const aroundMs = lane.service === "lambda" ? AROUND_AN_INVOCATION_MS[around] : 0;
  const traffic = trafficUsd(lane, { paramBytes, resultBytes: 1024, objectsLoaded: 1, shared: 1 });
  const perSecond = rate.perSecond + rate.inTouchPerSecond;
  return rate.perStart + (perSecond * (ms + aroundMs)) / 1000 + traffic;
}

/**
 * The most that an attempt is expected to cost. On ECS its container's first minute is no part of it: that
 * is reserved when the container is started.
 */
export const ceilingUsd = (lane: Lane, ms: number, paramBytes: number): number =>
  attemptUsd(lane, ms, paramBytes, "most");

/** What starting an executor commits to: its minimum. */
export function startUsd(lane: Lane): number {
  const rate = rateOf(lane);
  return rate.perSecond * rate.minimumSeconds;
}

/** Follows what one executor costs while its time goes on. */
export class Meter {
  readonly #rate: Rate;
  readonly #startedAt: number;
  #usd = 0;

  /** @param startedAt From when on it is charged, in milliseconds, as are all times here. */
  constructor(rate: Rate, startedAt: number) {
    this.#rate = rate;
    this.#startedAt = startedAt;
  }

  /** What has been added since the last time, in dollars. */
  advance(now: number): number {
    const usd = timeUsd(this.#rate, now - this.#startedAt);
    const more = Math.max(0, usd - this.#usd);
    this.#usd += more;
    return more;
  }
}
