import { expect, test } from "vitest";
import { loadValue } from "../../sdk/stores/values.ts";
import type { ObjectRef } from "../../sdk/wire/object-ref.ts";
import type { Success } from "../../sdk/wire/outcome.ts";
import { temporaryStores } from "../stores/folders.ts";
import { attempt } from "./attempts.ts";

type Ctx = { put(value: unknown): Promise<ObjectRef<unknown>>; get(ref: unknown): Promise<unknown> };

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
