import { Readable } from "node:stream";
import { describe, expect, test } from "vitest";
import { loadValue } from "../../sdk/stores/values.ts";
import type { ObjectRef } from "../../sdk/wire/object-ref.ts";
import type { Failure, Success } from "../../sdk/wire/outcome.ts";
import { temporaryStores } from "../stores/folders.ts";
import { attempt, labOf, spec } from "./attempts.ts";

interface Ctx {
  put(value: unknown): Promise<ObjectRef<unknown>>;
  get(ref: unknown): Promise<unknown>;
  readonly checkpoint: { save(state: unknown): Promise<void>; load(): Promise<unknown> };
}

async function contentOf(stores: Awaited<ReturnType<typeof temporaryStores>>): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of stores.objects.list("content/")) keys.push(key);
  return keys.sort();
}

test("of two attempts of one task the one that lost leaves what the result of the other names", async () => {
  await using stores = await temporaryStores();
  const names: string[] = [];
  /** Puts both, and returns one of them. */
  const returning = (which: 0 | 1) => async (_: unknown, ctx: Ctx) => {
    const refs = [await ctx.put("one"), await ctx.put("other")];
    names.splice(0, 2, ...refs.map(({ slot }) => slot.object));
    return { ref: refs[which] };
  };
  const first = (await attempt(stores, returning(0) as never, { attempt: 1 })) as Success;
  expect(await contentOf(stores)).toEqual([names[0]]);
  const second = (await attempt(stores, returning(1) as never, { attempt: 2 })) as Success;
  expect(second).toMatchObject({ superseded: true, value: first.value });
  expect(await contentOf(stores)).toEqual([names[0]]);
  const { ref } = (await loadValue(stores.objects, second.value)) as { ref: ObjectRef<string> };
  expect(await loadValue(stores.objects, ref.slot)).toBe("one");
});

test("what a task puts is its own: another task, or params, of the same bytes keep theirs", async () => {
  await using stores = await temporaryStores();
  const keeping = async (_: unknown, ctx: Ctx) => ({ ref: await ctx.put("the same") });
  const dropping = async (_: unknown, ctx: Ctx) => void (await ctx.put("the same"));
  await attempt(stores, keeping as never, { key: "aa01" });
  const before = await contentOf(stores);
  await attempt(stores, dropping as never, { key: "bb02" });
  expect(await contentOf(stores)).toEqual(before);
  expect(before.length).toBe(1);
});

test("what an attempt without a result has put stays for the next one", async () => {
  await using stores = await temporaryStores();
  const failing = async (_: unknown, ctx: Ctx) => {
    await ctx.put("kept");
    throw new Error("on purpose");
  };
  expect(await attempt(stores, failing as never)).toMatchObject({ kind: "user-error" });
  expect((await contentOf(stores)).length).toBe(1);
});

describe("streams of an attempt without a result", () => {
  const stream = (text: string) => Readable.from([Buffer.from(text)]);
  const failing = (act: (ctx: Ctx) => Promise<unknown>) => async (_: unknown, ctx: Ctx) => {
    await act(ctx);
    throw new Error("on purpose");
  };

  test("go with it, as nobody else can know their names", async () => {
    await using stores = await temporaryStores();
    const putting = failing(async (ctx) => [await ctx.put(stream("one")), await ctx.put(stream("other"))]);
    expect(await attempt(stores, putting as never)).toMatchObject({ kind: "user-error", seen: "Error: on purpose" });
    expect(await contentOf(stores)).toEqual([]);
  });

  test("go, too, where the error that it throws has a handle on one: it does not arrive", async () => {
    await using stores = await temporaryStores();
    const throwing = async (_: unknown, ctx: Ctx) => {
      const ref = await ctx.put(stream("one"));
      throw Object.assign(new Error("on purpose", { cause: { ref } }), { ref });
    };
    const outcome = (await attempt(stores, throwing as never)) as Failure;
    expect(outcome.kind).toBe("user-error");
    expect(Buffer.from(outcome.error?.encoded ?? []).toString("latin1")).not.toContain("content/");
    expect(await contentOf(stores)).toEqual([]);
  });

  test("go, too, where its result cannot be serialised", async () => {
    await using stores = await temporaryStores();
    const returning = async (_: unknown, ctx: Ctx) => {
      await ctx.put(stream("one"));
      return () => {};
    };
    expect(await attempt(stores, returning as never)).toMatchObject({ kind: "user-error" });
    expect(await contentOf(stores)).toEqual([]);
  });

  test("go, too, where it is suspended, but for those that tasks were given which it waits for", async () => {
    await using stores = await temporaryStores();
    const names: string[] = [];
    const given = { key: "aa01", name: "reading", version: "0", params: new Uint8Array(), dependencies: [] };
    const plan = () => ({ tasks: [{ ...given, objects: names.slice(0, 1) }], targets: [0] });
    const lab = labOf(stores, spec(), { suspendAfterMs: 1, tools: { plan } as never });
    const waiting = async (_: unknown, ctx: Ctx & { lab: { runTask(task: unknown): Promise<unknown> } }) => {
      for (const text of ["given", "nobody's"]) names.push((await ctx.put(stream(text))).slot.object);
      await ctx.lab.runTask({});
    };
    expect(await attempt(stores, waiting as never, {}, { lab })).toMatchObject({ kind: "suspended" });
    expect(await contentOf(stores)).toEqual([names[0]]);
  });

  test("go when they are there, if they were still on their way", async () => {
    await using stores = await temporaryStores();
    let end = () => {};
    let late: Promise<unknown> = Promise.resolve();
    const leaving = failing(async (ctx) => {
      const source = (async function* () {
        yield Buffer.from("begun");
        await new Promise<void>((resolve) => {
          end = resolve;
        });
      })();
      late = ctx.put(Readable.from(source));
      await new Promise((soon) => setTimeout(soon, 20));
    });
    await attempt(stores, leaving as never);
    end();
    await late;
    expect(await contentOf(stores)).toEqual([]);
  });

  test("stay that a saved state names, and the next attempt returns one of them", async () => {
    await using stores = await temporaryStores();
    const saving = failing(async (ctx) => {
      await ctx.put(stream("nobody's"));
      await ctx.checkpoint.save({ part: await ctx.put(stream("saved")) });
    });
    const loading = async (_: unknown, ctx: Ctx) => ctx.checkpoint.load();
    await attempt(stores, saving as never);
    expect((await contentOf(stores)).length).toBe(1);
    const { value } = (await attempt(stores, loading as never, { attempt: 2 })) as Success;
    const { part } = (await loadValue(stores.objects, value)) as { part: ObjectRef<Uint8Array> };
    expect(Buffer.from((await loadValue(stores.objects, part.slot)) as Uint8Array).toString()).toBe("saved");
  });

  test("stay that lie in another object, which may be anywhere", async () => {
    await using stores = await temporaryStores();
    const names: string[] = [];
    const wrapping = failing(async (ctx) => {
      const part = await ctx.put(stream("inside"));
      await ctx.put(stream("nobody's"));
      names.push(part.slot.object, (await ctx.put({ part })).slot.object);
    });
    await attempt(stores, wrapping as never);
    expect(await contentOf(stores)).toEqual(names.sort());
  });

  test("cannot be named any more by code that has kept a handle in this process", async () => {
    await using stores = await temporaryStores();
    let kept: ObjectRef<unknown> | undefined;
    const keeping = failing(async (ctx) => {
      kept = await ctx.put(stream("one"));
    });
    await attempt(stores, keeping as never);
    const ways: ((ctx: Ctx) => Promise<unknown>)[] = [
      async () => ({ kept }),
      (ctx) => ctx.put({ kept }),
      (ctx) => ctx.checkpoint.save({ kept }),
    ];
    for (const naming of ways) {
      const outcome = await attempt(stores, ((_: unknown, ctx: Ctx) => naming(ctx)) as never, { attempt: 2 });
      expect(outcome).toMatchObject({
        kind: "user-error",
        seen: expect.stringMatching(/went with the attempt.*again/),
      });
    }
    expect(await contentOf(stores)).toEqual([]);
  });
});
