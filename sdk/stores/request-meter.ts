import { REQUEST_KINDS, type RequestCounts, type RequestKind } from "../wire/requests.ts";

const NONE = { reads: 0, writes: 0, puts: 0, gets: 0 };

/** Counts what stores ask of services that charge for it, and what these refuse. */
export class RequestMeter {
  #asked = { ...NONE };
  #refused: Record<RequestKind, number> | undefined;

  read(units: number): void {
    this.#asked.reads += units;
  }

  write(units: number): void {
    this.#asked.writes += units;
  }

  put(): void {
    this.#asked.puts += 1;
  }

  get(): void {
    this.#asked.gets += 1;
  }

  /** A request was refused as one too many; the SDK makes it again, or gives up. */
  refused(kind: RequestKind): void {
    this.#refused ??= { ...NONE };
    this.#refused[kind] += 1;
  }

  /** What was counted since the last time; undefined where that is nothing. */
  take(): RequestCounts | undefined {
    const [asked, refused] = [this.#asked, this.#refused];
    if (!refused && REQUEST_KINDS.every((kind) => asked[kind] === 0)) return undefined;
    this.#asked = { ...NONE };
    this.#refused = undefined;
    return refused ? { ...asked, refused } : asked;
  }
}
