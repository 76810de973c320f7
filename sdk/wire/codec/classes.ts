import { LabError } from "../lab-error.ts";
import type { CodecExtension } from "./extensions.ts";

/**
 * How instances of a class cross processes.
 *
 * @typeParam T The class's instances.
 * @typeParam D What is stored of one: any value of the kinds that cross processes.
 */
export interface ClassCodec<T, D> {
  /** What is to be stored of an instance; asked more than once, and says the same each time. */
  encode(instance: T): D;
  /** An instance that has what `encode` gave. */
  decode(data: D): T;
  /** Raise it when what `encode` gives means something else than before: a whole number, at least 1. Default 1. */
  readonly version?: number;
  /** Stands for the class in what is stored. Default: the name of the class. */
  readonly name?: string;
}

type AnyClass = abstract new (...args: never[]) => object;

interface Registered {
  readonly Class: AnyClass;
  readonly name: string;
  readonly version: number;
  encode(instance: object): unknown;
  decode(data: unknown): unknown;
}

/** What stands for an instance: its class and version, and what its codec gave. */
type Stored = readonly [name: string, version: number, data: unknown];

/** Under this symbol a task definition carries the codecs that were registered beside it. */
export const CODECS: unique symbol = Symbol.for("stratolab.codecs") as never;

const CLASS_KIND = "class";
const UNREGISTERED = "unregistered-class";

const byPrototype = new Map<object, Registered>();
const byName = new Map<string, Registered>();

/** Whether a value could not be decoded since nothing here knows its class. Trying again is of no use. */
export const isUnregisteredClass = (error: unknown): boolean => (error as LabError | undefined)?.kind === UNREGISTERED;

/**
 * Lets instances of a class cross processes: in params, results, objects and states of checkpoints. Call
 * it in the module of your tasks, or one that it imports, beside the class: then every process that
 * needs it has it. The name and the version are part of the cache keys of tasks that have an instance
 * in their params.
 *
 * Subclasses need codecs of their own, and no instance may hold itself.
 *
 * @param Class The class itself; only its direct instances are meant.
 * @param codec How to take an instance apart and put it together again.
 * @throws LabError of kind `invalid-option` when something about the codec is wrong, or another class has its name.
 * @example
 * export class Polygon {
 *   constructor(readonly points: Float64Array) {}
 * }
 * registerCodec(Polygon, { encode: ({ points }) => points, decode: (points) => new Polygon(points), version: 1 });
 */
export function registerCodec<T extends object, D>(
  Class: abstract new (...args: never[]) => T,
  codec: ClassCodec<T, D>,
): void {
  if (typeof Class !== "function" || typeof Class.prototype !== "object") {
    throw invalid(`registerCodec needs a class, got ${Class === null ? "null" : typeof Class}`);
  }
  const { name = Class.name, version = 1 } = codec ?? {};
  if (typeof name !== "string" || name === "") {
    throw invalid(`registerCodec needs a name for a class without one: registerCodec(Class, { name: "Polygon", … })`);
  }
  for (const part of ["encode", "decode"] as const) {
    if (typeof codec?.[part] === "function") continue;
    throw invalid(`registerCodec(${name}): ${part} must be a function, got ${typeof codec?.[part]}`);
  }
  if (!Number.isInteger(version) || version < 1) {
    throw invalid(`registerCodec(${name}): version must be a whole number, at least 1, got ${String(version)}`);
  }
  const other = byName.get(name);
  // A module may be loaded twice: its class is then another one, of the same code.
  if (other && String(other.Class) !== String(Class)) {
    throw invalid(
      `registerCodec(${name}): another class of that name has a codec. Give one of them a name: { name: "…", … }`,
    );
  }
  const encode = (instance: object) => codec.encode(instance as T);
  const decode = (data: unknown) => codec.decode(data as D);
  const registered: Registered = { Class, name, version, encode, decode };
  byPrototype.set(Class.prototype, registered);
  byName.set(name, registered);
}

const invalid = (message: string) => new LabError("invalid-option", message);

const registeredFor = (value: unknown) => byPrototype.get(Object.getPrototypeOf(value));

/** Instances of the classes that have a codec in this copy of the library. */
export const registeredClasses: CodecExtension<unknown, Stored> = {
  kind: CLASS_KIND,
  match: (value) => registeredFor(value) !== undefined,
  lower(value) {
    const { name, version, encode } = registeredFor(value) as Registered;
    return [name, version, encode(value as object)];
  },
  content: ([, , data]) => data,
  raise([name, version, data]) {
    const registered = byName.get(name);
    if (!registered) {
      throw new LabError(
        UNREGISTERED,
        name === "apache-arrow.Table"
          ? "the value holds an Apache Arrow Table, and this process has no apache-arrow: import it in the module of your tasks"
          : `the value holds an instance of the class ${name}, which has no codec in this process: call registerCodec(${name}, …) ` +
              "in the module of your tasks, or one that it imports, and import that here",
      );
    }
    if (registered.version !== version) {
      throw new Error(
        `it holds an instance of the class ${name} that was encoded by version ${String(version)} of its codec, ` +
          `and version ${registered.version} is registered here`,
      );
    }
    return registered.decode(data);
  },
};

/** Decodes instances as what `make` gives for the name of their class: for those who only show them. */
export const shownClasses = (make: (name: string) => unknown): CodecExtension => ({
  kind: CLASS_KIND,
  match: () => false,
  lower: (value) => value,
  raise: (data) => make((data as Stored)[0]),
});

/** The codecs that were registered in the copy of the library that a task definition comes from. */
export function codecsOf(definition: object): CodecExtension {
  return (definition as { [CODECS]?: CodecExtension })[CODECS] ?? registeredClasses;
}
