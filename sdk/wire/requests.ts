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
}
