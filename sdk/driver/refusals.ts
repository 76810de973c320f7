import { REQUEST_KINDS, type RequestCounts, type RequestKind } from "../wire/requests.ts";

const WHAT: Readonly<Record<RequestKind, string>> = {
  reads: "DynamoDB refuses reads",
  writes: "DynamoDB refuses writes",
  puts: "S3 refuses to store objects",
  gets: "S3 refuses to give objects",
};

/** Where a user can change something, and how. */
const ADVICE: Readonly<Record<RequestKind, string>> = {
  reads: "a table takes more after half an hour of use, or at once with a higher warm throughput",
  writes: "a table takes more after half an hour of use, or at once with a higher warm throughput",
  puts: "a bucket takes more after half an hour of use; results of at most 2 KB need no object",
  gets: "a bucket takes more after half an hour of use; fewer and larger results need fewer requests",
};

/** Tells the user once of each kind of request that AWS refuses as too many. */
export class Refusals {
  readonly #told = new Set<RequestKind>();
  readonly #notice: (text: string) => void;

  constructor(notice: (text: string) => void) {
    this.#notice = notice;
  }

  /** So much was asked, and refused, since the last call. */
  heard({ refused }: RequestCounts): void {
    if (!refused) return;
    for (const kind of REQUEST_KINDS) {
      if (refused[kind] === 0 || this.#told.has(kind)) continue;
      this.#told.add(kind);
      this.#notice(
        `${WHAT[kind]} as too many at once: they are made again, and fewer tasks begin until that ends; ${ADVICE[kind]}`,
      );
    }
  }
}
