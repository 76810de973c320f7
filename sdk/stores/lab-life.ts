import { LABS_PARTITION, labKey } from "../wire/keys.ts";
import { PROTOCOL_VERSION } from "../wire/protocol.ts";
import { refuseNewer } from "../wire/version.ts";
import type { ControlTable } from "./control-table.ts";
import { sweepEnded } from "./sweep.ts";

/** A lab says that it is alive this often, in milliseconds. */
export const LIFE_SIGN_EVERY_MS = 10_000;
/** It counts as gone for its executors when it has said nothing for this long, in milliseconds. */
const LIFE_MS = 45_000;
/** It counts as gone for a clean-up, and its sign is forgotten, only a day later: a laptop may be asleep. */
const KEPT_SECONDS = 24 * 3600;

/** A lab says that it is alive, and since when. */
export async function giveLifeSign(table: ControlTable, labId: string, since: number): Promise<void> {
  const now = Date.now();
  await table.put({
    ...labKey(labId),
    f: PROTOCOL_VERSION,
    since,
    until: now + LIFE_MS,
    ttl: Math.floor(now / 1000) + KEPT_SECONDS,
  });
}

/** Another lab says that one is alive, whose executors it waits for. */
export async function fosterLife(table: ControlTable, labId: string): Promise<void> {
  const now = Date.now();
  const until = now + LIFE_MS;
  const ttl = Math.floor(now / 1000) + KEPT_SECONDS;
  // One that has said that it ends has no executors any more that would look.
  await table.merge(labKey(labId), { until, ttl });
}

/** A lab says that it ends: its executors need not wait for more. */
export async function endLife(table: ControlTable, labId: string): Promise<void> {
  await table.deleteMany([labKey(labId)]);
}

/** How a lab is, as far as it has said. `gone`: it has ended, or been silent for so long that nobody will take over. */
export type LabSign = "alive" | "silent" | "gone";

/** How long executors go on with what they work on when their lab is silent, in milliseconds. */
const TAKEOVER_MS = 60_000;

export async function labSign(table: ControlTable, labId: string): Promise<LabSign> {
  const item = await table.get(labKey(labId));
  refuseNewer(`the life sign of the lab ${labId}`, item?.f);
  const silentForMs = item === undefined ? Number.POSITIVE_INFINITY : Date.now() - Number(item.until);
  return silentForMs < 0 ? "alive" : silentForMs < TAKEOVER_MS ? "silent" : "gone";
}

/** Whether a lab is alive, as far as it has said. */
export async function isLabAlive(table: ControlTable, labId: string): Promise<boolean> {
  const item = await table.get(labKey(labId));
  refuseNewer(`the life sign of the lab ${labId}`, item?.f);
  return item !== undefined && Number(item.until) > Date.now();
}

/** A lab that may still be there. */
export interface KnownLab {
  readonly id: string;
  /** When it began, in milliseconds since the epoch. */
  readonly since: number;
}

/** Labs that have not ended and said something within a day. */
export async function knownLabs(table: ControlTable): Promise<KnownLab[]> {
  const items = await table.query(LABS_PARTITION);
  return items
    .filter(({ ttl }) => Number(ttl) * 1_000 > Date.now())
    .map((item) => {
      refuseNewer(`the life sign of the lab ${item.sk}`, item.f);
      return { id: item.sk, since: Number(item.since) };
    });
}

/** The life signs of one lab. */
export class LabLife {
  readonly #table: ControlTable;
  readonly #labId: string;
  readonly #since = Date.now();
  #timer: NodeJS.Timeout | undefined;
  #signing: Promise<void> = Promise.resolve();

  private constructor(table: ControlTable, labId: string) {
    this.#table = table;
    this.#labId = labId;
  }

  /** A clean-up that began before knows nothing of this lab: what it is deleting right now is waited for. */
  static async begin(table: ControlTable, labId: string): Promise<LabLife> {
    const life = new LabLife(table, labId);
    await giveLifeSign(table, labId, life.#since);
    await sweepEnded(table);
    life.#timer = setInterval(() => {
      life.#signing = giveLifeSign(table, labId, life.#since).catch(() => {});
    }, LIFE_SIGN_EVERY_MS).unref();
    return life;
  }

  /** @param isLeft Executors of the lab work on for somebody else: its sign is left to whom they work for. */
  async end(isLeft = false): Promise<void> {
    clearInterval(this.#timer);
    await this.#signing;
    if (!isLeft) await endLife(this.#table, this.#labId).catch(() => {});
  }
}
