import { availableParallelism, totalmem } from "node:os";
import { putBundle } from "../../bundle/stored-bundle.ts";
import type { Lane } from "../../core/offer.ts";
import { LabError } from "../../wire/lab-error.ts";
import type { StoreAddress } from "../../wire/store-address.ts";
import type {
  AnswerOrder,
  DispatchOrder,
  HandOver,
  KillOrder,
  Runner,
  RunnerOpening,
  RunnerSession,
} from "../runner.ts";
import { startBackgroundDriver } from "./background-driver.ts";
import { bundleFolder, writeBundle } from "./bundle-file.ts";
import { type LocalCode, LocalExecutor } from "./executor.ts";
import { localGpus } from "./gpus.ts";
import { localStorage } from "./storage.ts";

/** Results up to 16 KB are cheaper in the table than in files of their own. */
const INLINE_BYTES = 16 * 1024;
/** A commit waits for the disk, and the driver may be busy: some milliseconds a dispatch, longer where others use both. */
const BATCH = { targetMs: 20, maxTasks: 256, behindMs: 500 };
/** How often a first executor is started when it dies before it has loaded the bundle: as often as any attempt. */
const STARTS = 3;
/** Memory that is left to everything else on this machine. */
const USABLE_MEMORY = 0.9;

/** Tasks on processes of this machine: as many as it has cores, reused from task to task. */
export class LocalRunner implements Runner {
  readonly name = "local";
  readonly #executors = new Map<string, LocalExecutor>();
  #session: RunnerSession | undefined;
  #code: LocalCode | undefined;
  #labId = "";
  #nextExecutor = 0;
  /** Started before the bundle was there, to load it as soon as it is. */
  #early: LocalExecutor | undefined;
  /** Has shown that the bundle loads; the first that is asked for. */
  #spare: LocalExecutor | undefined;
  #closing = false;

  storeAddress(storage: string | false | undefined): Promise<StoreAddress> {
    return localStorage(storage);
  }

  /** A process takes as long to start as its code to be bundled. */
  prepare(labId: string): void {
    this.#closing = false;
    this.#labId = labId;
    // A lab that could not be opened before may have other code by now.
    this.#code = undefined;
    this.#early ??= this.#startExecutor();
  }

  async open(session: RunnerSession): Promise<RunnerOpening> {
    this.#session = session;
    // A lab that could not be opened closes its runner, and tries again with the next call.
    this.#closing = false;
    const { address, bundle, concurrency, labId, resources, stores } = session;
    this.#labId = labId;
    this.#code = { bundlePath: await writeBundle(bundleFolder(address), bundle), bundle, address };
    // Whoever goes on with a run, on whatever machine, needs the code that it was begun with.
    if (address.kind === "s3") await putBundle(stores.objects, bundle);
    const slots = concurrency ?? availableParallelism();
    const tasks = await this.#loadBundle();
    const offer = {
      service: "local",
      name: "local",
      slots,
      cpus: availableParallelism(),
      memoryMb: Math.floor((totalmem() / 2 ** 20) * USABLE_MEMORY),
      gpus: localGpus(),
      resources,
      pooled: true,
    } as const;
    return { offer: [offer], tasks, batch: BATCH, inlineBytes: INLINE_BYTES, runtimeEnvs: true };
  }

  /** Starts a first executor, to see what the bundle has. One that dies meanwhile says nothing of the code. */
  async #loadBundle(): Promise<RunnerOpening["tasks"]> {
    for (let start = 1; ; start += 1) {
      const spare = this.#early ?? this.#startExecutor();
      if (this.#early && this.#code) this.#early.load(this.#code);
      this.#early = undefined;
      const opened = await spare.opened;
      if (opened.type === "opened") {
        this.#spare = spare;
        return opened.tasks;
      }
      const hasDied = opened.kind === "start-failed";
      if (hasDied && start < STARTS && !this.#closing) continue;
      throw new LabError(opened.kind, hasDied ? `${opened.message} (${start} times in a row)` : opened.message);
    }
  }

  startExecutors(lane: Lane, count: number): void {
    for (let index = 0; index < count; index++) {
      if (lane.runtimeEnv !== undefined) {
        // The first assignment brings what it has to set up, and hears of it if that fails.
        const executor = this.#startExecutor(true);
        this.#session?.report({ type: "executor-ready", executor: executor.id, lane });
        continue;
      }
      const executor = this.#spare ?? this.#startExecutor();
      this.#spare = undefined;
      void this.#announce(executor, lane);
    }
  }

  async #announce(executor: LocalExecutor, lane: Lane): Promise<void> {
    const opened = await executor.opened;
    if (this.#closing) return;
    if (opened.type === "opened") {
      this.#session?.report({ type: "executor-ready", executor: executor.id, lane });
      return;
    }
    const failure = { kind: "start-failed", seen: opened.message } as const;
    this.#session?.report({ type: "start-failed", lane, count: 1, failure });
  }

  #startExecutor(hasRuntimeEnv = false): LocalExecutor {
    const executor = new LocalExecutor({
      id: `${this.#labId}-${this.#nextExecutor++}`,
      code: this.#code,
      hasRuntimeEnv,
      report: (event) => this.#session?.report(event),
      onDeath: (failure) => {
        this.#executors.delete(executor.id);
        if (!this.#closing) {
          this.#session?.report({ type: "executor-gone", executor: executor.id, ...(failure ? { failure } : {}) });
        }
      },
    });
    this.#executors.set(executor.id, executor);
    return executor;
  }

  stopExecutor(id: string): void {
    this.#executors.get(id)?.stop();
  }

  dispatch({ assignment, executor, lane }: DispatchOrder): void {
    this.#executors.get(executor as string)?.assign(assignment, lane.memoryMb);
  }

  kill({ executor, assignment, runId, tasks, graceMs }: KillOrder): void {
    this.#executors.get(executor as string)?.cancel(assignment, runId, tasks, graceMs);
  }

  /** A process in the background, which outlives this one and its terminal. */
  async handOver({ runId, namespace }: HandOver): Promise<void> {
    const { address, resources } = this.#session as RunnerSession;
    await startBackgroundDriver({ runId, namespace, address, resources });
  }

  usageOf({ executor }: { readonly executor?: string }) {
    return this.#executors.get(executor as string)?.usage;
  }

  answer({ executor, answer }: AnswerOrder): void {
    this.#executors.get(executor as string)?.answer(answer);
  }

  async close(): Promise<void> {
    this.#closing = true;
    await Promise.all([...this.#executors.values()].map((executor) => executor.stop()));
    this.#early = undefined;
  }
}
