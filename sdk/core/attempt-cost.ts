import type { RequestCounts } from "../wire/requests.ts";
import type { Lane } from "./offer.ts";
import { ec2Second, fargateSecond, lambdaSecond, PRICES } from "./prices.ts";

/*
 * What attempts cost, in dollars. Compute is charged by time and lane, requests as executors have counted them.
 * What their supervisors ask is an estimate from how the runners work, as is all of it before an attempt.
 */

/** How the time of an executor is charged. */
export interface Rate {
  readonly perSecond: number;
  /** Once, at its start. */
  readonly perStart: number;
  /** Seconds that are charged at least. */
  readonly minimumSeconds: number;
  /** Requests of an executor that is there, each full second. */
  readonly inTouchPerSecond: number;
}

/** Dollars for what was asked of the stores. */
export const requestsUsd = ({ reads, writes, puts, gets }: RequestCounts): number =>
  reads * PRICES.dynamo.readUnit + writes * PRICES.dynamo.writeUnit + puts * PRICES.s3.put + gets * PRICES.s3.get;

/** What it costs to bring the record of a run up to date. */
export const RECORD_USD: number = PRICES.dynamo.writeUnit;

const FREE: Rate = { perSecond: 0, perStart: 0, minimumSeconds: 0, inTouchPerSecond: 0 };
const { readUnit: READ, writeUnit: WRITE } = PRICES.dynamo;
/**
 * What keeping in touch costs an executor a second: it looks into its inbox once, and into the lab's sign of life
 * every ten seconds; a container says something every five, an invocation every fifteen.
 */
const IN_TOUCH_SECOND = { container: 1.1 * READ + WRITE / 5, invocation: 1.1 * READ + WRITE / 15 };
/** A container says hello and goodbye, loads its code, and looks into its inbox more often at first. */
const CONTAINER_START = 2 * WRITE + 8 * READ + PRICES.s3.get;
/** As it does after each assignment. */
const AFTER_AN_ASSIGNMENT = 6 * READ;

/** How an executor of a lane is charged: nothing on this machine. */
export function rateOf(lane: Lane): Rate {
  const { service, cpus, memoryMb = 0, ephemeralStorageMb = 0, spot, architecture = "x86_64" } = lane;
  switch (service) {
    case "lambda": {
      const perSecond = lambdaSecond(memoryMb, ephemeralStorageMb, architecture);
      const inTouchPerSecond = IN_TOUCH_SECOND.invocation;
      return { perSecond, perStart: PRICES.lambda.request, minimumSeconds: 0.001, inTouchPerSecond };
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
  perStart: CONTAINER_START,
  minimumSeconds: PRICES.minimumSeconds,
  inTouchPerSecond: IN_TOUCH_SECOND.container,
});

/** Dollars for an executor that was there for so long, in milliseconds. */
export function timeUsd({ perSecond, perStart, minimumSeconds, inTouchPerSecond }: Rate, ms: number): number {
  const seconds = Math.max(0, ms / 1000);
  return perStart + perSecond * Math.max(minimumSeconds, seconds) + inTouchPerSecond * Math.floor(seconds);
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
  /** What its executor has asked of the stores; default an estimate. */
  readonly requests?: RequestCounts | undefined;
}

/** What an item of the control table holds beside the user's bytes. */
const ITEM_BYTES = 350;
const WRITE_UNIT_BYTES = 1024;
const GB = 2 ** 30;

/**
 * Dollars for the requests of an attempt, and for keeping its result a month, on Lambda and ECS: a commit, objects
 * loaded and stored; on ECS what is told in the feed, too.
 */
export function trafficUsd(lane: Lane, traffic: Traffic): number {
  const { paramBytes, resultBytes, resultIsObject = false, requests, shared } = traffic;
  const isHere = lane.service === "local" || lane.service === "custom";
  // Here too, where the storage is a bucket.
  if (isHere) return requests ? requestsUsd(requests) : 0;
  const { dynamo, s3 } = PRICES;
  let usd = requests ? requestsUsd(requests) : expectedRequestsUsd(traffic);
  if (lane.service !== "lambda") usd += AFTER_AN_ASSIGNMENT / shared + unitsUsd(Math.min(resultBytes ?? 0, 2048));
  if (resultBytes === undefined) return usd;
  usd += ((ITEM_BYTES + paramBytes) / GB) * dynamo.gbMonth;
  if (resultIsObject) usd += (resultBytes / GB) * s3.gbMonth;
  return usd;
}

const unitsUsd = (bytes: number) => Math.ceil((ITEM_BYTES + bytes) / WRITE_UNIT_BYTES) * WRITE;

function expectedRequestsUsd({ objectsLoaded, paramBytes, resultBytes, resultIsObject = false }: Traffic): number {
  const { s3 } = PRICES;
  const loaded = objectsLoaded * s3.get;
  if (resultBytes === undefined) return loaded;
  return loaded + unitsUsd(paramBytes + (resultIsObject ? 0 : resultBytes)) + (resultIsObject ? s3.put : 0);
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

/** What attempts of a dispatch have in common. */
export interface Together {
  /** How many of them share it. */
  readonly shared: number;
  /** How many of those its executor works on at once. */
  readonly atOnce: number;
}

export const BY_ITSELF: Together = { shared: 1, atOnce: 1 };

/**
 * What an attempt is expected to cost that takes so long, in milliseconds. On ECS its container's first minute is
 * no part of it.
 */
export function attemptUsd(
  lane: Lane,
  ms: number,
  paramBytes: number,
  around: "usual" | "most" = "usual",
  { shared, atOnce }: Together = BY_ITSELF,
): number {
  const rate = rateOf(lane);
  if (rate === FREE) return 0;
  const aroundMs = lane.service === "lambda" ? AROUND_AN_INVOCATION_MS[around] : 0;
  const traffic = trafficUsd(lane, { paramBytes, resultBytes: 1024, objectsLoaded: 1 / shared, shared });
  const perSecond = rate.perSecond + rate.inTouchPerSecond;
  const perStart = lane.service === "lambda" ? rate.perStart : 0;
  return perStart / shared + (perSecond * (ms / atOnce + aroundMs / shared)) / 1000 + traffic;
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
  return rate.perStart + rate.perSecond * rate.minimumSeconds;
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
