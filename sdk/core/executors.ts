import type { Lane } from "./offer.ts";

/** One executor that the scheduler may hand assignments to. */
export interface Executor {
  readonly id: string;
  /** The lane it was started for; it serves every lane of the same pool. */
  readonly lane: Lane;
  /** Assignments given to it that are not finished, oldest first. */
  readonly assignments: number[];
}

/** The executors of one pool. */
interface Pool {
  readonly members: Set<Executor>;
  readonly idle: Executor[];
  /** Asked for, and not yet ready. */
  starting: number;
}

/** The executors of all pools, and how many more are on their way. */
export class Executors {
  readonly #byId = new Map<string, Executor>();
  readonly #pools = new Map<string, Pool>();

  get(id: string): Executor | undefined {
    return this.#byId.get(id);
  }

  add(id: string, lane: Lane): void {
    const executor: Executor = { id, lane, assignments: [] };
    const pool = this.#poolOf(lane.pool as string);
    this.#byId.set(id, executor);
    pool.members.add(executor);
    pool.idle.push(executor);
  }

  remove(executor: Executor): void {
    const pool = this.#poolOf(executor.lane.pool as string);
    this.#byId.delete(executor.id);
    pool.members.delete(executor);
    const at = pool.idle.indexOf(executor);
    if (at >= 0) pool.idle.splice(at, 1);
  }

  members(pool: string): ReadonlySet<Executor> {
    return this.#poolOf(pool).members;
  }

  starting(pool: string): number {
    return this.#poolOf(pool).starting;
  }

  changeStarting(pool: string, by: number): void {
    const state = this.#poolOf(pool);
    state.starting = Math.max(0, state.starting + by);
  }

  /** The executor that was idle last: its caches are the warmest. */
  takeIdle(pool: string): Executor | undefined {
    return this.#poolOf(pool).idle.pop();
  }

  /** This one, if it serves the pool and is idle. */
  isIdle(id: string, pool: string): boolean {
    const executor = this.#byId.get(id);
    return executor !== undefined && executor.lane.pool === pool && this.#poolOf(pool).idle.includes(executor);
  }

  take(id: string): Executor {
    const executor = this.#byId.get(id) as Executor;
    const { idle } = this.#poolOf(executor.lane.pool as string);
    idle.splice(idle.indexOf(executor), 1);
    return executor;
  }

  setIdle(executor: Executor): void {
    this.#poolOf(executor.lane.pool as string).idle.push(executor);
  }

  /** Any idle executor of the group: the one of its pool that idles longest. */
  idleIn(group: string): Executor | undefined {
    for (const { idle } of this.#pools.values()) if (idle[0]?.lane.group === group) return idle[0];
    return undefined;
  }

  /** An idle executor of the group that serves another pool: the one that idles longest. */
  idleElsewhere(group: string, pool: string): Executor | undefined {
    for (const [name, other] of this.#pools) {
      if (name !== pool && other.idle[0]?.lane.group === group) return other.idle[0];
    }
    return undefined;
  }

  #poolOf(name: string): Pool {
    let pool = this.#pools.get(name);
    if (!pool) {
      pool = { members: new Set(), idle: [], starting: 0 };
      this.#pools.set(name, pool);
    }
    return pool;
  }
}
