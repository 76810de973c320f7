import { Table, tableFromArrays, vectorFromArray } from "apache-arrow";
import { expect, test, vi } from "vitest";
import { registerArrow } from "../../sdk/wire/codec/arrow.ts";
import { registeredClasses } from "../../sdk/wire/codec/classes.ts";
import { decode, encode, joinChunks } from "../../sdk/wire/codec/codec.ts";
import { inspectSerializability } from "../../sdk/wire/codec/inspect.ts";
import { sumOf, table } from "./fixtures/arrow-tasks.ts";
import { LabBench } from "./lab-bench.ts";

const tasks = new URL("fixtures/arrow-tasks.ts", import.meta.url);

test.each(["inline", "local"] as const)("Arrow tables cross to %s tasks and back", async (runner) => {
  await using bench = new LabBench();
  const lab = bench.lab({ tasks, runner });
  const own = tableFromArrays({ x: Float64Array.of(0.5, 1.5) });
  const made = table({ rows: 10_000 });
  const [sum, back] = await lab.runTasks([sumOf({ tables: [made, own] as never }), made]);
  expect(sum).toBe((9_999 * 10_000) / 2 + 2);
  expect(back).toBeInstanceOf(Table);
  expect(back.get(7)?.toJSON()).toEqual({ x: 7, label: "a" });
  expect(
    await lab.isCached(sumOf({ tables: [made, tableFromArrays({ x: Float64Array.of(0.5, 1.5) })] as never })),
  ).toBe(true);
});

test("a table's memory is not copied, neither out nor in", async () => {
  expect(inspectSerializability(tableFromArrays({ x: Float64Array.of(1) }))[0].what).toContain("import apache-arrow");
  registerArrow(await import("apache-arrow"));
  const values = Float64Array.from({ length: 10_000 }, (_, index) => index);
  const sent = new Table({ x: vectorFromArray(values) }).slice(100, 5_000);
  const encoded = encode({ sent }, { extensions: [registeredClasses] });
  const memory = sent.getChild("x")?.data[0].values.buffer;
  expect(encoded.chunks.some(({ buffer }) => buffer === memory)).toBe(true);
  const bytes = joinChunks(encoded);
  const { sent: back } = decode(bytes, [registeredClasses]) as { sent: Table };
  expect(back.numRows).toBe(4_900);
  expect(back.getChild("x")?.get(1)).toBe(101);
  expect(back.getChild("x")?.data[0].values.buffer).toBe(bytes.buffer);

  vi.resetModules();
  const elsewhere = await import("../../sdk/wire/codec/classes.ts");
  const codec = await import("../../sdk/wire/codec/codec.ts");
  expect(() => codec.decode(bytes, [elsewhere.registeredClasses])).toThrow("this process has no apache-arrow");
});
