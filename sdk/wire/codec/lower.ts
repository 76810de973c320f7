import { CodecError } from "./codec-error.ts";
import { type CodecExtensions, extensionFor } from "./extensions.ts";
import { Node, Tag } from "./nodes.ts";
import { MAX_DEPTH } from "./scan.ts";
import type { Segments } from "./segments.ts";
import { describeUnsupported, isIrregularArray, shapeOf, viewName } from "./shapes.ts";

export interface Lowered {
  readonly tree: unknown;
  /** Whether the tree holds nodes; if not, it is the value as msgpack has it. */
  readonly hasNodes: boolean;
  readonly buffers: readonly (Uint8Array | Segments)[];
  /** It was given up half done: it has more parts than the limit. */
  readonly overLimit: boolean;
}

interface LoweringOptions {
  readonly extensions: CodecExtensions;
  /** Sort the keys of plain objects. Default false. */
  readonly canonical?: boolean;
  /** Objects that go into the table, in a cycle or met by two owners. */
  readonly shared: ReadonlySet<object>;
  /** Parts after which to give up. Default none. */
  readonly limit?: number;
}

/**
 * Turns a value into a tree that msgpack can carry: what it has no word for becomes nodes, binary
 * data goes out of band, and whatever is shared, cyclic or very deep goes into one table.
 */
export class Lowering {
  readonly #extensions: CodecExtensions;
  readonly #canonical: boolean;
  readonly #shared: ReadonlySet<object>;
  readonly #tableIndex = new Map<object, number>();
  readonly #queue: object[] = [];
  readonly #buffers: (Uint8Array | Segments)[] = [];
  readonly #bufferIndex = new Map<ArrayBufferLike, number>();

  /** For each entry of the table, the entries that it refers to. */
  readonly #references: number[][] = [];
  #partsLeft: number;
  #hasNodes = false;

  constructor({ extensions, canonical = false, shared, limit = Number.POSITIVE_INFINITY }: LoweringOptions) {
    this.#extensions = extensions;
    this.#canonical = canonical;
    this.#shared = shared;
    this.#partsLeft = limit;
  }

  run(root: unknown): Lowered {
    const first = this.#lower(root, 0);
    const table: unknown[] = [];
    // The queue grows while it is worked off, as table entries refer to further ones.
    for (let index = 0; index < this.#queue.length; index++) {
      this.#references.push([]);
      table.push(this.#lowerObject(this.#queue[index], 0));
    }
    this.#refuseInstancesInThemselves(table);
    const tree = table.length > 0 ? this.#node(Tag.Table, [first, table]) : first;
    return { tree, hasNodes: this.#hasNodes, buffers: this.#buffers, overLimit: this.#partsLeft < 0 };
  }

  /** An instance is made of what its codec gave, so that has to be whole before it is. */
  #refuseInstancesInThemselves(table: readonly unknown[]): void {
    table.forEach((entry, index) => {
      if (!(entry instanceof Node && entry.tag === Tag.Custom)) return;
      const reached = new Set(this.#references[index]);
      for (const next of reached) for (const further of this.#references[next]) reached.add(further);
      if (!reached.has(index)) return;
      const what = describeUnsupported(this.#queue[index]);
      throw new CodecError(`${what} holds itself: its codec could not put it together again. Encode a name or number`);
    });
  }

  #node(tag: Tag, data: unknown): Node {
    this.#hasNodes = true;
    return new Node(tag, data);
  }

  #lower(value: unknown, depth: number): unknown {
    switch (typeof value) {
      case "object":
        if (value === null || --this.#partsLeft < 0) return null;
        if (this.#shared.has(value) || depth > MAX_DEPTH) return this.#reference(value);
        return this.#lowerObject(value, depth);
      case "number":
        return Object.is(value, -0) ? this.#node(Tag.NegativeZero, null) : value;
      case "bigint":
        return this.#node(Tag.BigInt, value < 0n ? `-${(-value).toString(16)}` : value.toString(16));
      case "string":
        return value.isWellFormed() ? value : this.#node(Tag.String, Buffer.from(value, "utf16le"));
      default:
        return value;
    }
  }

  #reference(value: object): Node {
    let index = this.#tableIndex.get(value);
    if (index === undefined) {
      index = this.#queue.push(value) - 1;
      this.#tableIndex.set(value, index);
    }
    this.#references.at(-1)?.push(index);
    return this.#node(Tag.Reference, index);
  }

  #lowerObject(value: object, depth: number): unknown {
    const extension = extensionFor(value, this.#extensions);
    if (extension) return this.#node(Tag.Custom, [extension.kind, this.#lower(extension.lower(value), depth + 1)]);
    switch (shapeOf(value)) {
      case "array":
        return this.#lowerArray(value as unknown[], depth);
      case "map":
        return this.#node(Tag.Map, this.#entries(value as Map<unknown, unknown>, depth));
      case "set":
        return this.#node(
          Tag.Set,
          Array.from(value as Set<unknown>, (element) => this.#lower(element, depth + 1)),
        );
      case "date":
        return this.#node(Tag.Date, (value as Date).getTime());
      case "regexp":
        return this.#node(Tag.RegExp, [(value as RegExp).source, (value as RegExp).flags]);
      case "error":
        return this.#node(Tag.Error, this.#lowerError(value as Error, depth));
      case "buffer":
        return this.#node(Tag.ArrayBuffer, this.#wholeBuffer(value as ArrayBuffer));
      case "view":
        return this.#lowerView(value as ArrayBufferView);
      case "segments":
        return this.#lowerSegments(value as Segments);
      default:
        return this.#lowerPlain(value as Record<string, unknown>, depth);
    }
  }

  #lowerPlain(value: Record<string, unknown>, depth: number): unknown {
    const keys = Object.keys(value);
    if (this.#canonical) keys.sort();
    if (keys.some((key) => key === "__proto__" || !key.isWellFormed())) {
      return this.#node(
        Tag.Object,
        keys.map((key) => [this.#lower(key, depth), this.#lower(value[key], depth + 1)]),
      );
    }
    const lowered: Record<string, unknown> = {};
    for (const key of keys) lowered[key] = this.#lower(value[key], depth + 1);
    return lowered;
  }

  #lowerArray(value: unknown[], depth: number): unknown {
    if (!isIrregularArray(value)) return value.map((element) => this.#lower(element, depth + 1));
    const own = value as unknown as Record<string, unknown>;
    const entries = Object.keys(value).map((key) => [this.#lower(key, depth), this.#lower(own[key], depth + 1)]);
    return this.#node(Tag.Array, [value.length, entries]);
  }

  #entries(map: Map<unknown, unknown>, depth: number): unknown[] {
    return Array.from(map, ([key, element]) => [this.#lower(key, depth + 1), this.#lower(element, depth + 1)]);
  }

  #lowerError(error: Error, depth: number): Record<string, unknown> {
    const text = (part: unknown) => this.#lower(String(part), depth);
    return {
      name: text(error.name),
      message: text(error.message),
      ...(error.stack === undefined ? {} : { stack: text(error.stack) }),
      ...(error.cause === undefined ? {} : { cause: this.#lower(error.cause, depth + 1) }),
      ...(error instanceof AggregateError ? { errors: this.#lower(error.errors, depth + 1) } : {}),
    };
  }

  /**
   * A view carries its own bytes only. Views on one ArrayBuffer that the value shares, or holds
   * itself, carry the whole of it, so that writing through one still shows in the other.
   */
  #lowerView(view: ArrayBufferView): Node {
    const name = viewName(view);
    const length = name === "DataView" ? view.byteLength : (view as Uint8Array).length;
    if (this.#shared.has(view.buffer)) {
      return this.#node(Tag.View, [name, this.#wholeBuffer(view.buffer), view.byteOffset, length, true]);
    }
    const bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
    return this.#node(Tag.View, [name, this.#buffers.push(bytes) - 1, 0, length]);
  }

  #lowerSegments(segments: Segments): Node {
    const length = segments.pieces.reduce((sum, { byteLength }) => sum + byteLength, 0);
    return this.#node(Tag.View, ["Uint8Array", this.#buffers.push(segments) - 1, 0, length]);
  }

  #wholeBuffer(buffer: ArrayBufferLike): number {
    let index = this.#bufferIndex.get(buffer);
    if (index === undefined) {
      index = this.#buffers.push(new Uint8Array(buffer)) - 1;
      this.#bufferIndex.set(buffer, index);
    }
    return index;
  }
}
