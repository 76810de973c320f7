import type { Lane } from "../core/offer.ts";
import type { LiveUsage } from "../wire/live-usage.ts";
import type { StoreAddress } from "../wire/store-address.ts";
import type {
  AdoptOrder,
  AnswerOrder,
  DispatchOrder,
  HandOver,
  KillOrder,
  Runner,
  RunnerOpening,
  RunnerSession,
} from "./runner.ts";

/** A runner whose code is loaded when a lab first needs it: the AWS SDK is not for free. */
export class DeferredRunner implements Runner {
  readonly name: string;
  readonly #load: () => Promise<Runner>;
  #runner: Runner | undefined;

  constructor(name: string, load: () => Promise<Runner>) {
    this.name = name;
    this.#load = load;
  }

  async #loaded(): Promise<Runner> {
    this.#runner ??= await this.#load();
    return this.#runner;
  }

  async storeAddress(storage: string | false | undefined): Promise<StoreAddress> {
    return (await this.#loaded()).storeAddress(storage);
  }

  async open(session: RunnerSession): Promise<RunnerOpening> {
    return (await this.#loaded()).open(session);
  }

  startExecutors(lane: Lane, count: number): void {
    this.#runner?.startExecutors(lane, count);
  }

  stopExecutor(executor: string): void {
    this.#runner?.stopExecutor(executor);
  }

  dispatch(order: DispatchOrder): void {
    this.#runner?.dispatch(order);
  }

  kill(order: KillOrder): void {
    this.#runner?.kill(order);
  }

  adopt(order: AdoptOrder): void {
    this.#runner?.adopt?.(order);
  }

  abandon(order: Pick<KillOrder, "assignment" | "executor">): void {
    this.#runner?.abandon?.(order);
  }

  async handOver(run: HandOver): Promise<void> {
    await (await this.#loaded()).handOver?.(run);
  }

  another(): Runner {
    return new DeferredRunner(this.name, this.#load);
  }

  usageOf(of: { readonly assignment: string; readonly executor?: string }): LiveUsage | undefined {
    return this.#runner?.usageOf?.(of);
  }

  feedShardOf(of: { readonly assignment: string; readonly executor?: string }): number | undefined {
    return this.#runner?.feedShardOf?.(of);
  }

  answer(order: AnswerOrder): void {
    this.#runner?.answer?.(order);
  }

  async close(): Promise<void> {
    await this.#runner?.close();
  }
}
