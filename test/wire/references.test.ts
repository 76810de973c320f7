import { describe, expect, test } from "vitest";
import { decode, encodeToBytes } from "../../sdk/wire/codec/codec.ts";
import { ObjectRef } from "../../sdk/wire/object-ref.ts";
import { madeObjectReferences, objectReferences, resolvedTasks, taskReferences } from "../../sdk/wire/references.ts";

class FakeTask {
  readonly key: string;
  constructor(key: string) {
    this.key = key;
  }
}

const tasks = taskReferences(
  (value) => value instanceof FakeTask,
  (task) => [(task as FakeTask).key, "train"],
);
const refs = objectReferences(
  (value) => value instanceof ObjectRef,
  (ref) => (ref as ObjectRef<unknown>).slot,
);
const encode = (value: unknown) => encodeToBytes(value, { canonical: true, extensions: [tasks, refs] });
const hex = (value: unknown) => Buffer.from(encode(value)).toString("hex");
const slot = (hash: string) => ({ object: `content/${hash}`, bytes: 5, hash });

describe("tasks in params", () => {
  test("stand by key and name, wherever they are", () => {
    const resolved: string[] = [];
    const bytes = encode({
      model: new FakeTask("k1"),
      all: [new FakeTask("k2"), new Map([["m", new FakeTask("k3")]])],
    });
    const params = decode(bytes, [
      resolvedTasks((key, name) => {
        resolved.push(`${name}:${key}`);
        return `result of ${key}`;
      }),
    ]);
    expect(params).toEqual({ model: "result of k1", all: ["result of k2", new Map([["m", "result of k3"]])] });
    expect(resolved.sort()).toEqual(["train:k1", "train:k2", "train:k3"]);
  });

  test("are told apart from data that looks the same", () => {
    expect(hex([new FakeTask("k")])).not.toBe(hex([["k", "train"]]));
  });

  test("are the params themselves, too", () => {
    expect(decode(encode(new FakeTask("k")), [resolvedTasks((key) => key)])).toBe("k");
  });

  test("are not decoded where nobody can resolve them", () => {
    expect(() => decode(encode([new FakeTask("k")]), [tasks])).toThrow("only be resolved where its result is");
    expect(() => decode(encode([new FakeTask("k")]))).toThrow("it holds a task, for which no codec is registered here");
  });

  test("that are equal encode alike, whether they are one object or two", () => {
    const one = new FakeTask("k");
    expect(hex({ a: one, b: one })).toBe(hex({ a: new FakeTask("k"), b: new FakeTask("k") }));
    expect(hex([one, one, 1])).toBe(hex([new FakeTask("k"), new FakeTask("k"), 1]));
  });
});

describe("object refs in params", () => {
  test("stand by where their values lie", () => {
    const made = madeObjectReferences((where) => new ObjectRef(where));
    const back = decode(encode({ data: new ObjectRef(slot("a")) }), [made]) as { data: ObjectRef<unknown> };
    expect(back.data).toBeInstanceOf(ObjectRef);
    expect(back.data.slot).toEqual(slot("a"));
  });

  test("that are equal encode alike, whether they are one object or two", () => {
    const one = new ObjectRef(slot("a"));
    expect(hex([one, one])).toBe(hex([new ObjectRef(slot("a")), new ObjectRef(slot("a"))]));
  });

  test("are not made by who only sends them", () => {
    expect(() => decode(encode([new ObjectRef(slot("a"))]), [refs])).toThrow("by whoever knows its class");
  });
});

describe("an object ref", () => {
  test("is frozen, and prints short", () => {
    const ref = new ObjectRef(slot("0123456789abcdef"));
    expect(Object.isFrozen(ref)).toBe(true);
    expect(String(ref)).toBe("ObjectRef(0123456789ab, 5 bytes)");
  });

  test("of another copy of the library is one all the same; what only looks like it is not", () => {
    const foreign = { slot: slot("a"), [Symbol.for("stratolab.object-ref")]: true };
    expect(foreign).toBeInstanceOf(ObjectRef);
    for (const other of [null, undefined, 1, "ref", {}, { slot: slot("a") }, () => 1]) {
      expect(other instanceof ObjectRef).toBe(false);
    }
  });
});
