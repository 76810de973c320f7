import { deleteCheckpoint, readCheckpoint, type Saver, saveCheckpoint } from "../sdk/stores/checkpoints.ts";
import type { Stores } from "../sdk/stores/stores.ts";
import { loadValue } from "../sdk/stores/values.ts";
import { encode } from "../sdk/wire/codec/codec.ts";
import type { CodecExtensions } from "../sdk/wire/codec/extensions.ts";
import type { TaskCheckpoint } from "../sdk/wire/definition.ts";
import { LabError } from "../sdk/wire/lab-error.ts";
import { ObjectLostError } from "../sdk/wire/object-lost-error.ts";
import { valueExtensions } from "../sdk/wire/value-extensions.ts";

interface CheckpointOptions {
  readonly stores: Stores;
  readonly taskKey: string;
  readonly saver: Saver;
  readonly inlineBytes: number;
  /** States saved by runs that began earlier do not count, in milliseconds since the epoch. */
  readonly notBefore: number;
  /** For the values of its bundle. Default: those of any value, in this copy of the library. */
  extensions?(): CodecExtensions;
}

/** `ctx.checkpoint` of one attempt. */
export class AttemptCheckpoint implements TaskCheckpoint {
  readonly #options: CheckpointOptions;
  /** Made when somebody looks at it: most tasks do not. */
  #request: AbortController | undefined;
  /** One save after the other, in the order of the calls. */
  #saving: Promise<void> = Promise.resolve();
  #used = false;

  constructor(options: CheckpointOptions) {
    this.#options = options;
  }

  get requested(): AbortSignal {
    return this.#requests.signal;
  }

  get #requests(): AbortController {
    this.#request ??= new AbortController();
    return this.#request;
  }

  async load<S>(): Promise<S | undefined> {
    const { stores, taskKey, notBefore } = this.#options;
    await this.#saving.catch(() => {});
    const slot = await readCheckpoint(stores.table, taskKey, notBefore);
    if (!slot) return undefined;
    this.#used = true;
    try {
      return (await loadValue(stores.objects, slot, this.#extensions)) as S;
    } catch (error) {
      // A state that is lost costs the time to compute it again, not the task.
      if (error instanceof ObjectLostError) return undefined;
      throw error;
    }
  }

  get #extensions(): CodecExtensions {
    return this.#options.extensions?.() ?? valueExtensions();
  }

  save(state: unknown): Promise<void> {
    // Encoded at once: the task may go on changing its state.
    const encoded = encode(state, { name: "state", extensions: this.#extensions });
    const chunks = encoded.chunks.map((chunk) => new Uint8Array(chunk));
    this.#used = true;
    this.#saving = this.#saving.catch(() => {}).then(() => this.#save({ ...encoded, chunks }));
    // A task that does not wait for it does not end its process by that.
    this.#saving.catch(() => {});
    return this.#saving;
  }

  async #save(encoded: ReturnType<typeof encode>): Promise<void> {
    const { stores, taskKey, saver, inlineBytes } = this.#options;
    if (await saveCheckpoint(stores, taskKey, saver, encoded, inlineBytes)) return;
    throw new LabError("superseded", "a later attempt of this task has saved its state: this one was given up");
  }

  /** The executor is about to be taken away: what is to be kept must be saved now. */
  request(reason: string): void {
    this.#requests.abort(new LabError("checkpoint-requested", reason));
  }

  /** The task has its result, and needs its state no more. */
  done(): Promise<void> | undefined {
    // A first attempt that did not ask for a state is taken to have none: looking would cost each task a read.
    return this.#used || this.#options.saver.attempt > 1 ? this.#forget() : undefined;
  }

  async #forget(): Promise<void> {
    const { stores, taskKey } = this.#options;
    await this.#saving.catch(() => {});
    await deleteCheckpoint(stores, taskKey);
  }
}
