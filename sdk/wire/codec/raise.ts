import { CodecError } from "./codec-error.ts";
import type { CodecExtensions } from "./extensions.ts";
import { Node, Tag } from "./nodes.ts";
import { VIEWS, type ViewName } from "./shapes.ts";

const ERRORS: Record<string, ErrorConstructor> = {
  Error,
  EvalError: EvalError as ErrorConstructor,
  RangeError: RangeError as ErrorConstructor,
  ReferenceError: ReferenceError as ErrorConstructor,
  SyntaxError: SyntaxError as ErrorConstructor,
  TypeError: TypeError as ErrorConstructor,
  URIError: URIError as ErrorConstructor,
};

const refuse = (why: string): never => {
  throw new CodecError(`cannot decode a value: ${why}`);
};

function asArray(data: unknown, what: string): unknown[] {
  return Array.isArray(data) ? data : refuse(`${what} is not a list`);
}

function pairs(data: unknown, what: string): [unknown, unknown][] {
  return asArray(data, what).map((entry) => asArray(entry, `an entry of ${what}`) as [unknown, unknown]);
}

/** A container that exists before its content: whoever refers to it can hold it already. */
interface Shell {
  readonly value: unknown;
  fill?(): void;
}

/** Turns a lowered tree back into the value; the reverse of `Lowering`. */
export class Raising {
  readonly #extensions: CodecExtensions;
  readonly #buffers: readonly Uint8Array[];
  readonly #arrayBuffers: (ArrayBuffer | undefined)[] = [];
  #table: unknown[] = [];
  readonly #raised: unknown[] = [];
  /** Shared instances that are being put together. */
  readonly #underway = new Set<number>();
  /** Shared values that are known to their owners but not filled yet: filling each in turn keeps deep chains off the stack. */
  readonly #toFill: (() => void)[] = [];

  constructor(extensions: CodecExtensions, buffers: readonly Uint8Array[]) {
    this.#extensions = extensions;
    this.#buffers = buffers;
  }

  run(tree: unknown): unknown {
    let root = tree;
    if (tree instanceof Node && tree.tag === Tag.Table) {
      const [first, table] = asArray(tree.data, "the table");
      this.#table = asArray(table, "the table");
      root = first;
    }
    const value = this.#raise(root);
    this.#fillAll();
    return value;
  }

  #fillAll(): void {
    for (let fill = this.#toFill.pop(); fill; fill = this.#toFill.pop()) fill();
  }

  #raise(tree: unknown): unknown {
    if (typeof tree !== "object" || tree === null) return tree;
    if (tree instanceof Node && tree.tag === Tag.Reference) return this.#reference(Number(tree.data));
    const shell = this.#shell(tree);
    shell.fill?.();
    return shell.value;
  }

  #reference(index: number): unknown {
    if (index in this.#raised) return this.#raised[index];
    if (!(index in this.#table)) refuse(`it refers to shared value ${index} of ${this.#table.length}`);
    const tree = this.#table[index];
    if (typeof tree !== "object" || tree === null) return tree;
    if (tree instanceof Node && tree.tag === Tag.Reference) return refuse("a shared value refers to another");
    if (this.#underway.has(index)) refuse(`shared value ${index} is an instance that holds itself`);
    this.#underway.add(index);
    const shell = this.#shell(tree);
    this.#underway.delete(index);
    this.#raised[index] = shell.value;
    if (shell.fill) this.#toFill.push(shell.fill);
    return shell.value;
  }

  #shell(tree: object): Shell {
    if (tree instanceof Node) return this.#nodeShell(tree);
    if (Array.isArray(tree)) {
      const array = new Array(tree.length);
      const fill = () => {
        for (let index = 0; index < tree.length; index++) array[index] = this.#raise(tree[index]);
      };
      return { value: array, fill };
    }
    const source = tree as Record<string, unknown>;
    const object: Record<string, unknown> = {};
    const fill = () => {
      for (const key of Object.keys(source)) object[key] = this.#raise(source[key]);
    };
    return { value: object, fill };
  }

  #nodeShell(node: Node): Shell {
    const data = node.data;
    switch (node.tag) {
      case Tag.NegativeZero:
        return { value: -0 };
      case Tag.BigInt: {
        const digits = String(data);
        return { value: digits.startsWith("-") ? -BigInt(`0x${digits.slice(1)}`) : BigInt(`0x${digits}`) };
      }
      case Tag.String:
        return { value: Buffer.from(data as Uint8Array).toString("utf16le") };
      case Tag.Date:
        return { value: new Date(Number(data)) };
      case Tag.RegExp: {
        const [source, flags] = asArray(data, "a regular expression");
        return { value: new RegExp(String(source), String(flags)) };
      }
      case Tag.Map: {
        const map = new Map();
        const fill = () => {
          for (const [key, value] of pairs(data, "a Map")) map.set(this.#raise(key), this.#raise(value));
        };
        return { value: map, fill };
      }
      case Tag.Set: {
        const set = new Set();
        const fill = () => {
          for (const element of asArray(data, "a Set")) set.add(this.#raise(element));
        };
        return { value: set, fill };
      }
      case Tag.Array:
        return this.#irregularArray(asArray(data, "a sparse array"));
      case Tag.Object:
        return this.#defined({}, data);
      case Tag.Error:
        return this.#error(data as Record<string, unknown>);
      case Tag.ArrayBuffer:
        return { value: this.#wholeBuffer(Number(data)) };
      case Tag.View:
        return { value: this.#view(asArray(data, "a view")) };
      case Tag.Custom:
        return { value: this.#custom(asArray(data, "an extension")) };
      default:
        return refuse(`it holds a part of unknown kind ${node.tag}, written by a newer stratolab`);
    }
  }

  #custom([kind, lowered]: unknown[]): unknown {
    const extension = this.#extensions.find((candidate) => candidate.kind === kind);
    if (!extension) return refuse(`it holds a ${String(kind)}, for which no codec is registered here`);
    const data = this.#raise(lowered);
    // An extension reads its data at once, so nothing in it may be left for later.
    this.#fillAll();
    return extension.raise(data);
  }

  #defined(target: object, data: unknown): Shell {
    const fill = () => {
      for (const [key, value] of pairs(data, "an object")) {
        // Assignment would run a `__proto__` setter; a definition never does.
        const property = { value: this.#raise(value), writable: true, enumerable: true, configurable: true };
        Object.defineProperty(target, String(this.#raise(key)), property);
      }
    };
    return { value: target, fill };
  }

  #irregularArray([length, entries]: unknown[]): Shell {
    if (!Number.isInteger(length) || (length as number) < 0 || (length as number) >= 2 ** 32) {
      refuse(`a sparse array has the length ${String(length)}`);
    }
    const array: unknown[] = [];
    array.length = length as number;
    return this.#defined(array, entries);
  }

  #error(data: Record<string, unknown>): Shell {
    const name = String(this.#raise(data.name));
    const message = String(this.#raise(data.message));
    const ErrorClass = Object.hasOwn(ERRORS, name) ? ERRORS[name] : Error;
    const error = "errors" in data ? new AggregateError([], message) : new ErrorClass(message);
    const hide = (key: string, value: unknown) =>
      Object.defineProperty(error, key, { value, writable: true, enumerable: false, configurable: true });
    if (error.name !== name) hide("name", name);
    if ("stack" in data) hide("stack", String(this.#raise(data.stack)));
    else Reflect.deleteProperty(error, "stack");
    const fill = () => {
      if ("cause" in data) hide("cause", this.#raise(data.cause));
      if ("errors" in data) hide("errors", this.#raise(data.errors));
    };
    return { value: error, fill };
  }

  #buffer(index: number): Uint8Array {
    return this.#buffers[index] ?? refuse(`it refers to buffer ${index} of ${this.#buffers.length}`);
  }

  #wholeBuffer(index: number): ArrayBuffer {
    let whole = this.#arrayBuffers[index];
    if (!whole) {
      // Not slice(): a Buffer's own gives a window, where a copy is wanted.
      whole = new Uint8Array(this.#buffer(index)).buffer;
      this.#arrayBuffers[index] = whole;
    }
    return whole;
  }

  #view([name, index, offset, length, shared]: unknown[]): ArrayBufferView {
    if (!Object.hasOwn(VIEWS, String(name))) refuse(`it holds a view of unknown kind ${String(name)}`);
    const View = VIEWS[name as ViewName];
    const elementBytes = View === DataView ? 1 : ((View as unknown as Uint8ArrayConstructor).BYTES_PER_ELEMENT ?? 1);
    const bytes = this.#buffer(Number(index));
    const [start, count] = [Number(offset), Number(length)];
    if (!(start >= 0 && count >= 0 && start + count * elementBytes <= bytes.byteLength)) {
      refuse(`a ${String(name)} of ${count} elements does not fit its buffer of ${bytes.byteLength} bytes`);
    }
    // A view on its own bytes is a window on the frame where alignment allows it: nothing is copied.
    const standsAlone = shared !== true && start === 0 && count * elementBytes === bytes.byteLength;
    const aligned = bytes.byteOffset % elementBytes === 0;
    const [memory, at] =
      standsAlone && aligned ? [bytes.buffer, bytes.byteOffset] : [this.#wholeBuffer(Number(index)), start];
    if (View === Buffer) return Buffer.from(memory as ArrayBuffer, at, count);
    return new (View as unknown as new (memory: ArrayBufferLike, at: number, count: number) => ArrayBufferView)(
      memory,
      at,
      count,
    );
  }
}
