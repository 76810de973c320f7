import { Lab } from "stratolab";
import { expect, test } from "vitest";
import { openAwsStores } from "../../sdk/stores/aws/open.ts";
import { StackOutput } from "../../sdk/wire/stack-outputs.ts";
import { countLines, countWrapped, lines, sizeOf, wrapped } from "../sdk/fixtures/object-tasks.ts";
import { thisStack } from "../support/this-stack.ts";

const tasks = new URL("../sdk/fixtures/object-tasks.ts", import.meta.url);

test("a stream that is lost from the bucket is put again for those that are given it, under its new name", async () => {
  const outputs = thisStack().outputs;
  const address = { kind: "aws", table: outputs[StackOutput.table], bucket: outputs[StackOutput.bucket] } as const;
  const { table, objects } = openAwsStores(address);
  const begun = new Map<string, number>();
  const newLab = (namespace: string) =>
    new Lab({
      tasks,
      runner: "aws",
      namespace,
      concurrency: 2,
      progress: (event) => {
        if (event.type === "task-started") begun.set(event.name, (begun.get(event.name) ?? 0) + event.count);
      },
    });
  const namespace = `lost-${Date.now()}`;
  await using first = newLab(namespace);
  const { file } = await first.runTask(lines({ count: 3 }));
  // By the lab that has run its task, and by one that only knows its handle.
  await objects.deleteMany([file.slot.object]);
  expect(await first.runTask(sizeOf({ data: file }))).toBe(21);
  const { file: now } = await first.runTask(lines({ count: 3 }));
  await objects.deleteMany([now.slot.object]);
  await using second = newLab(namespace);
  expect(await second.runTask(countLines({ written: { file: now } }))).toBe(3);
  expect(Object.fromEntries(begun)).toEqual({ lines: 3, sizeOf: 2, countLines: 2 });
  // Within other objects, and these as well.
  const { outermost } = await first.runTask(wrapped({ count: 3 }));
  const { outer } = await first.get(outermost);
  const { file: inner } = await first.get(outer);
  await objects.deleteMany([inner.slot.object, outermost.slot.object]);
  expect(await second.runTask(countWrapped({ made: { outermost } }))).toBe(21);
  expect(begun.get("wrapped")).toBe(2);
  await table.close();
});
