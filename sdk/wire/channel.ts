import { Packr } from "msgpackr";
import type { Assignment } from "./attempt.ts";
import { compacted, expanded } from "./compact.ts";
import type { NestedAnswer, NestedRequest } from "./nested.ts";
import type { Outcome } from "./outcome.ts";
import type { RuntimeEnv, RuntimeEnvSpec } from "./runtime-env.ts";
import type { StoreAddress } from "./store-address.ts";

/** What the supervisor tells the executor process below it. */
export type ToExecutor =
  | {
      readonly type: "open";
      readonly bundleHash: string;
      /** Where the bundle lies; absent: it is fetched from the object store. */
      readonly local?: {
        readonly path: string;
        /** Folder that paths of modules in the bundle start from. */
        readonly root: string;
      };
      readonly stores: StoreAddress;
      /** What is set up before the bundle is loaded, and where on disk. */
      readonly runtimeEnv?: { readonly spec: RuntimeEnvSpec; readonly folder: string; readonly isOwn: boolean };
    }
  | { readonly type: "assign"; readonly assignment: Assignment }
  /** The process is about to be taken away: the running task should save its state. */
  | { readonly type: "notice"; readonly reason: string }
  | { readonly type: "cancel"; readonly task: number; readonly runId: string }
  /** What became of tasks that the running task runs. */
  | { readonly type: "answer"; readonly answer: NestedAnswer };

/** What the executor process answers. */
export type FromExecutor =
  /** It is there, and begins to set its runtime environment up. */
  | { readonly type: "setting-up" }
  /** The bundle is loaded: the name of each task, and of the export that it is. */
  | {
      readonly type: "opened";
      readonly tasks: readonly (readonly [name: string, exportName: string, runtimeEnv?: RuntimeEnv])[];
    }
  | {
      readonly type: "open-failed";
      readonly kind: string;
      readonly message: string;
      /** What was written meanwhile, oldest first. */
      readonly log?: readonly string[];
    }
  /** The running task runs tasks. */
  | {
      readonly type: "nested";
      readonly assignment: string;
      readonly task: number;
      readonly attempt: number;
      readonly request: NestedRequest;
    }
  | {
      readonly type: "outcome";
      readonly assignment: string;
      readonly task: number;
      readonly attempt: number;
      readonly outcome: Outcome;
      /** Number of the sign that ends what the attempt has said, where it has said something. */
      readonly spoken?: number;
    };

const LENGTH_BYTES = 4;
const packr = new Packr({ useRecords: false, variableMapSize: true });

/** One message as a frame: its length as u32, little-endian, then MessagePack. */
export function frameMessage(message: ToExecutor | FromExecutor): Buffer {
  const body = packr.pack(compacted(message));
  const frame = Buffer.allocUnsafe(LENGTH_BYTES + body.byteLength);
  frame.writeUInt32LE(body.byteLength, 0);
  body.copy(frame, LENGTH_BYTES);
  return frame;
}

/** Cuts a byte stream back into messages, whatever pieces it arrives in. */
export class MessageReader<M> {
  #rest: Buffer = Buffer.alloc(0);
  #pieces: Buffer[] = [];
  #pending = 0;

  /** Messages that are complete with this piece. */
  push(piece: Buffer): M[] {
    this.#pieces.push(piece);
    this.#pending += piece.byteLength;
    // A large message comes in many pieces: join them once, when enough have arrived.
    if (this.#rest.byteLength >= LENGTH_BYTES && this.#rest.byteLength + this.#pending < this.#nextEnd(this.#rest, 0)) {
      return [];
    }
    let bytes =
      this.#pieces.length === 1 && this.#rest.byteLength === 0 ? piece : Buffer.concat([this.#rest, ...this.#pieces]);
    this.#pieces = [];
    this.#pending = 0;
    const messages: M[] = [];
    let offset = 0;
    while (bytes.byteLength - offset >= LENGTH_BYTES && this.#nextEnd(bytes, offset) <= bytes.byteLength) {
      const end = this.#nextEnd(bytes, offset);
      messages.push(expanded(packr.unpack(bytes.subarray(offset + LENGTH_BYTES, end))) as M);
      offset = end;
    }
    bytes = bytes.subarray(offset);
    this.#rest = bytes;
    return messages;
  }

  #nextEnd(bytes: Buffer, offset: number): number {
    return offset + LENGTH_BYTES + bytes.readUInt32LE(offset);
  }
}
