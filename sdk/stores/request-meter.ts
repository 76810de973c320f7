import type { RequestCounts } from "../wire/requests.ts";

/** Counts what stores ask of services that charge for it. */
export class RequestMeter {
  #reads = 0;
  #writes = 0;
  #puts = 0;
  #gets = 0;

  read(units: number): void {
    this.#reads += units;
  }

  write(units: number): void {
    this.#writes += units;
  }

  put(): void {
    this.#puts += 1;
  }

  get(): void {
    this.#gets += 1;
  }

  /** What was counted since the last time; undefined where that is nothing. */
  take(): RequestCounts | undefined {
    const taken = { reads: this.#reads, writes: this.#writes, puts: this.#puts, gets: this.#gets };
    if (taken.reads + taken.writes + taken.puts + taken.gets === 0) return undefined;
    this.#reads = 0;
    this.#writes = 0;
    this.#puts = 0;
    this.#gets = 0;
    return taken;
  }
}
