/** What was asked of the services that values and records are kept in, in the units that they are charged by. */
export interface RequestCounts {
  /** Read units of the control table. */
  readonly reads: number;
  /** Write units of the control table. */
  readonly writes: number;
  /** Requests to the object store that write, copy or list. */
  readonly puts: number;
  /** Requests to the object store that read. */
  readonly gets: number;
  /** Requests of each kind that were refused as too many, and then made again or given up; absent where none was. */
  readonly refused?: RefusedRequests;
}

/** How often requests of each kind were refused: not units, but refusals. */
export type RefusedRequests = Readonly<Record<RequestKind, number>>;

/** Kinds of requests that services bound and charge apart. */
export type RequestKind = (typeof REQUEST_KINDS)[number];
export const REQUEST_KINDS = ["reads", "writes", "puts", "gets"] as const;

/** What was asked at one time and at another. */
export function addRequests(one: RequestCounts, other: RequestCounts): RequestCounts {
  const refused = one.refused && other.refused ? added(one.refused, other.refused) : (one.refused ?? other.refused);
  return refused ? { ...added(one, other), refused } : added(one, other);
}

const added = (one: RefusedRequests, other: RefusedRequests): RefusedRequests => ({
  reads: one.reads + other.reads,
  writes: one.writes + other.writes,
  puts: one.puts + other.puts,
  gets: one.gets + other.gets,
});
