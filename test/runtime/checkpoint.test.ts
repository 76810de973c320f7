import { describe, expect, test } from "vitest";
import { readCheckpoint } from "../../sdk/stores/checkpoints.ts";
import { temporaryStores } from "../stores/folders.ts";
import { attempt, checkpointOf, KEY } from "./attempts.ts";

const RUN_STARTED_AT = 1_763_690_700_000;

describe("ctx.checkpoint", () => {
  test("gives the next attempt what the last one saved, wherever that ran", async () => {
    await using stores = await temporaryStores();
    expect(await checkpointOf(stores).load()).toBeUndefined();
    await checkpointOf(stores).save({ step: 3, weights: Float64Array.of(1, 2) });
    expect(await checkpointOf(stores, 2).load()).toEqual({ step: 3, weights: Float64Array.of(1, 2) });
  });

  test("saves the state as it was at the call, though the task goes on changing it", async () => {
    await using stores = await temporaryStores();
    const checkpoint = checkpointOf(stores);
    const state = { step: 1, sums: new Float64Array(100).fill(1) };
    const saving = checkpoint.save(state);
    state.step = 2;
    state.sums.fill(9);
    await saving;
    expect(await checkpoint.load()).toEqual({ step: 1, sums: new Float64Array(100).fill(1) });
  });

  test("keeps the last of many saves that nobody waited for", async () => {
    await using stores = await temporaryStores();
    const checkpoint = checkpointOf(stores);
    const saves = Array.from({ length: 20 }, (_, step) =>
      checkpoint.save({ step, data: new Uint8Array(500).fill(step) }),
    );
    expect(await checkpoint.load()).toMatchObject({ step: 19 });
    await Promise.all(saves);
  });

  test("refuses the state of an attempt that was given up, and goes on for the one that was not", async () => {
    await using stores = await temporaryStores();
    const [old, current] = [checkpointOf(stores, 1), checkpointOf(stores, 2)];
    await current.save("new");
    await expect(old.save("old")).rejects.toMatchObject({ kind: "superseded" });
    await current.save("newer");
    expect(await old.load()).toBe("newer");
  });

  test("says where a state cannot be saved, and keeps the one before", async () => {
    await using stores = await temporaryStores();
    const checkpoint = checkpointOf(stores);
    await checkpoint.save({ step: 1 });
    await expect(async () => checkpoint.save({ model: { fit: () => 1 } })).rejects.toThrow(
      "state.model.fit is the function fit",
    );
    expect(await checkpoint.load()).toEqual({ step: 1 });
  });

  test("does no harm in an attempt that was given up and waits for nothing", async () => {
    await using stores = await temporaryStores();
    await checkpointOf(stores, 2).save("new");
    const old = checkpointOf(stores, 1);
    void old.save("old");
    expect(await old.load()).toBe("new");
  });

  test("gives nothing of earlier runs where the task is computed anew", async () => {
    await using stores = await temporaryStores();
    await checkpointOf(stores).save("stale");
    expect(await checkpointOf(stores, 1, RUN_STARTED_AT + 1).load()).toBeUndefined();
  });

  test("gives nothing where the state's object was lost, so that the task starts over", async () => {
    await using stores = await temporaryStores();
    await checkpointOf(stores).save(new Uint8Array(1_000));
    for await (const { key } of stores.objects.list("checkpoints/")) await stores.objects.deleteMany([key]);
    expect(await checkpointOf(stores, 2).load()).toBeUndefined();
  });

  test("tells the task when its executor is about to be taken away, and why", () => {
    const checkpoint = checkpointOf({} as never);
    expect(checkpoint.requested.aborted).toBe(false);
    checkpoint.request("memory is running out");
    checkpoint.request("again");
    expect(checkpoint.requested.reason).toMatchObject({
      kind: "checkpoint-requested",
      message: "memory is running out",
    });
  });
});

describe("a task with a checkpoint", () => {
  test("continues where its last attempt broke off, and leaves no state when it has its result", async () => {
    await using stores = await temporaryStores();
    const begun: number[] = [];
    const steps = async (
      _: never,
      { checkpoint, attempt }: { checkpoint: ReturnType<typeof checkpointOf>; attempt: number },
    ) => {
      for (let step = (await checkpoint.load<number>()) ?? 0; step < 6; step++) {
        begun.push(step);
        if (step === 3 && attempt === 1) throw new Error("taken away");
        await checkpoint.save(step + 1);
      }
      return "done";
    };
    expect(await attempt(stores, steps as never)).toMatchObject({ kind: "user-error" });
    expect(await attempt(stores, steps as never, { attempt: 2 })).toMatchObject({ kind: "ok" });
    expect(begun).toEqual([0, 1, 2, 3, 3, 4, 5]);
    expect(await readCheckpoint(stores.table, KEY, 0)).toBeUndefined();
  });

  test("has its result committed after a save that nobody waited for", async () => {
    await using stores = await temporaryStores();
    const careless = (_: never, { checkpoint }: { checkpoint: ReturnType<typeof checkpointOf> }) => {
      void checkpoint.save("state");
      return 1;
    };
    expect(await attempt(stores, careless as never)).toMatchObject({ kind: "ok" });
    expect(await readCheckpoint(stores.table, KEY, 0)).toBeUndefined();
  });

  test("forgets a state that only an earlier attempt saved", async () => {
    await using stores = await temporaryStores();
    await checkpointOf(stores).save("state");
    expect(await attempt(stores, () => 1, { attempt: 2 })).toMatchObject({ kind: "ok" });
    expect(await readCheckpoint(stores.table, KEY, 0)).toBeUndefined();
  });
});
