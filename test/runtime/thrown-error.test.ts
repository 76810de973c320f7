import { describe, expect, test } from "vitest";
import { toThrownError } from "../../runtime/thrown-error.ts";
import { decode } from "../../sdk/wire/codec/codec.ts";

class NetworkError extends TypeError {}

describe("what a task throws", () => {
  test("is known by the names of all its classes, its own first", () => {
    expect(toThrownError(new NetworkError("down")).names).toEqual(["TypeError", "NetworkError", "Error"]);
    expect(toThrownError(Object.assign(new NetworkError("m"), { name: "Renamed" })).names[0]).toBe("Renamed");
    expect(toThrownError(new AggregateError([], "m")).names).toEqual(["AggregateError", "Error"]);
  });

  test("comes back with its message, stack and causes", () => {
    const error = new NetworkError("down", { cause: new Error("cable") });
    const { message, encoded } = toThrownError(error);
    expect(message).toBe("down");
    expect(decode(encoded as Uint8Array)).toMatchObject({
      message: "down",
      stack: error.stack,
      cause: { message: "cable" },
    });
  });

  test("comes without its cause where that cannot be sent", () => {
    const { encoded } = toThrownError(new Error("m", { cause: () => 1 }));
    const back = decode(encoded as Uint8Array) as Error;
    expect(back.message).toBe("m");
    expect(back.cause).toBeUndefined();
  });

  test("has its message cut where nobody would read on", () => {
    expect(toThrownError(new Error("x".repeat(100_000))).message.length).toBe(4_001);
  });

  test.each<[string, unknown, string]>([
    ["text", "just text", "just text"],
    ["nothing", undefined, "undefined"],
    ["null", null, "null"],
    ["a symbol", Symbol("s"), "Symbol(s)"],
    ["an object", { code: 7 }, "{ code: 7 }"],
    ["an object without a prototype", Object.create(null), "[Object: null prototype] {}"],
  ])("need not be an error: %s", (_, thrown, message) => {
    expect(toThrownError(thrown)).toMatchObject({ names: ["Error"], message });
  });

  test.each<[string, () => unknown]>([
    ["a name that is no text", () => Object.assign(new Error("m"), { name: 7 })],
    ["a message that is none", () => Object.assign(new Error("m"), { message: { deep: true } })],
    ["a stack that is none", () => Object.assign(new Error("m"), { stack: 5 })],
    ["no prototype", () => Object.setPrototypeOf(new Error("m"), null)],
    [
      "a message that throws",
      () =>
        Object.defineProperty(new Error("m"), "message", {
          get: () => {
            throw new Error("no");
          },
        }),
    ],
    [
      "a text that throws",
      () => ({
        toString: () => {
          throw new Error("no");
        },
      }),
    ],
    [
      "a Proxy that is closed",
      () => {
        const { proxy, revoke } = Proxy.revocable(new Error("m"), {});
        revoke();
        return proxy;
      },
    ],
    [
      "itself as its cause",
      () => {
        const error = new Error("m");
        error.cause = error;
        return error;
      },
    ],
  ])("never throws again, be it an error with %s", (_, thrown) => {
    const { names, message } = toThrownError(thrown());
    expect(names.every((name) => typeof name === "string")).toBe(true);
    expect(typeof message).toBe("string");
  });
});
