/** What a run may cost, what it has cost, and what it may yet cost for what was begun, in dollars. */
interface Account {
  readonly maxUsd: number;
  spentUsd: number;
  reservedUsd: number;
  /** The least that something cost which was ready to go and could not be paid. */
  lacksUsd: number | undefined;
  /** Its run was told. */
  isSpent: boolean;
}

interface Reservation {
  readonly run: number;
  readonly usd: number;
}

/** A run that can pay for nothing more, and waits for nothing that it could get back. */
export interface SpentRun {
  readonly run: number;
  readonly spentUsd: number;
  /** What the cheapest of its next attempts may cost. */
  readonly neededUsd: number;
}

/** Sums of small amounts differ in their last digits. */
const ROUNDING_USD = 1e-12;

/**
 * The purses of runs that have a bound on what they may cost. What may be spent is reserved before it is
 * begun, and given back when it is known what it came to: so what is spent and reserved together never
 * exceeds the bound when something is begun.
 */
export class Spending {
  readonly #accounts = new Map<number, Account>();
  /** Whose purse runs pay from that have none of their own, and are part of one that has. */
  readonly #payers = new Map<number, number>();
  /** What attempts in flight hold: by assignment, by task. */
  readonly #held = new Map<number, Map<number, Reservation>>();
  /** What executors on their way hold, by pool, in the order they were asked for. */
  readonly #starting = new Map<string, Reservation[]>();

  open(run: number, maxUsd: number): void {
    this.#accounts.set(run, { maxUsd, spentUsd: 0, reservedUsd: 0, lacksUsd: undefined, isSpent: false });
  }

  /** A run pays from the purse of the one that it is part of. */
  join(run: number, other: number): void {
    const payer = this.#payers.get(other) ?? other;
    if (this.#accounts.has(payer)) this.#payers.set(run, payer);
  }

  isBounded(run: number): boolean {
    return this.#accountOf(run) !== undefined;
  }

  #accountOf(run: number): Account | undefined {
    return this.#accounts.get(this.#payers.get(run) ?? run);
  }

  /** Money is gone. */
  charge(run: number, usd: number): void {
    const account = this.#accountOf(run);
    if (account) account.spentUsd += usd;
  }

  /** How often a run can pay this much; where it cannot, that is noted. */
  affords(run: number, usd: number): number {
    const account = this.#accountOf(run);
    if (!account) return Number.POSITIVE_INFINITY;
    const left = account.maxUsd - account.spentUsd - account.reservedUsd + ROUNDING_USD;
    if (left >= usd) return usd === 0 ? Number.POSITIVE_INFINITY : Math.floor(left / usd);
    account.lacksUsd = Math.min(account.lacksUsd ?? Number.POSITIVE_INFINITY, usd);
    return 0;
  }

  /** Whether a run can pay this much for what it does not need. */
  hasLeft(run: number, usd: number): boolean {
    const account = this.#accountOf(run);
    return !account || account.maxUsd - account.spentUsd - account.reservedUsd + ROUNDING_USD >= usd;
  }

  /** Reserves what an attempt may cost. */
  hold(assignment: number, task: number, run: number, usd: number): void {
    const account = this.#accountOf(run);
    if (!account) return;
    account.reservedUsd += usd;
    const held = this.#held.get(assignment) ?? new Map<number, Reservation>();
    this.#held.set(assignment, held.set(task, { run, usd }));
  }

  /** An attempt is over: what it cost is charged, what was reserved for it is free again. */
  release(assignment: number, task: number): void {
    const held = this.#held.get(assignment);
    const reservation = held?.get(task);
    if (!held || !reservation) return;
    this.#giveBack(reservation);
    held.delete(task);
    if (held.size === 0) this.#held.delete(assignment);
  }

  releaseAll(assignment: number): void {
    for (const task of [...(this.#held.get(assignment)?.keys() ?? [])]) this.release(assignment, task);
  }

  /** Reserves what executors cost at least that are asked for, each so much. */
  holdStarts(pool: string, run: number, usd: number, count: number): void {
    if (usd === 0) return;
    const account = this.#accountOf(run);
    if (account) account.reservedUsd += usd * count;
    const starting = this.#starting.get(pool) ?? [];
    for (let each = 0; each < count; each++) starting.push({ run, usd });
    this.#starting.set(pool, starting);
  }

  /** Executors of a pool are there, or will not come: the first that were asked for. */
  releaseStarts(pool: string, count: number): void {
    for (const reservation of this.#starting.get(pool)?.splice(0, count) ?? []) this.#giveBack(reservation);
  }

  #giveBack({ run, usd }: Reservation): void {
    const account = this.#accountOf(run);
    if (account) account.reservedUsd = Math.max(0, account.reservedUsd - usd);
  }

  #stuckUsd(account: Account, isStuck: (assignment: number, task: number) => boolean): number {
    let sum = 0;
    for (const [assignment, held] of this.#held) {
      for (const [task, { run, usd }] of held) {
        if (this.#accountOf(run) === account && isStuck(assignment, task)) sum += usd;
      }
    }
    return sum;
  }

  /** Forgets what could not be paid before. */
  lookAgain(): void {
    for (const account of this.#accounts.values()) account.lacksUsd = undefined;
  }

  /**
   * Runs that have something ready which they cannot pay, and get nothing back any more. Each is told once.
   *
   * @param isStuck Whether an attempt waits for what is ready, and keeps what is reserved for it until that is done.
   */
  takeSpent(isStuck: (assignment: number, task: number) => boolean): SpentRun[] {
    const spent: SpentRun[] = [];
    for (const [run, account] of this.#accounts) {
      const { isSpent, lacksUsd, reservedUsd, spentUsd } = account;
      if (isSpent || lacksUsd === undefined) continue;
      if (reservedUsd > ROUNDING_USD && reservedUsd > this.#stuckUsd(account, isStuck) + ROUNDING_USD) continue;
      spent.push({ run, spentUsd, neededUsd: lacksUsd });
      account.isSpent = true;
    }
    return spent;
  }
}
