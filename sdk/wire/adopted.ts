/** An attempt that another driver began, as that one and the executor call it. */
export interface AdoptedFrom {
  /** The other driver's lab: the name of its feed, and of its sign of life. */
  readonly lab: string;
  readonly assignment: string;
  /** The run that it was begun in, by which its log lines go. */
  readonly runId: string;
  readonly task: number;
  readonly executor: string | undefined;
  /** The shard of the feed in which its executor tells what happens. Default 0, the first. */
  readonly feedShard?: number;
  readonly dispatchedAt: number;
  /** By when it is over, in milliseconds since the epoch. */
  readonly deadline: number;
}
