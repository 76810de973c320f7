import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { lambdaBytes } from "../../bench/cold-init.ts";

/** Packages that are loaded with a built file, by itself or by what it imports: what costs time before anything begins. */
function packagesOf(file: string, seen = new Set<string>()): string[] {
  if (seen.has(file)) return [];
  seen.add(file);
  const source = readFileSync(file, "utf8");
  const imported = [...source.matchAll(/^(?:import|export)\b[^;"']*["']([^"']+)["'];?$/gm)].map(([, from]) => from);
  const packages = imported.filter((from) => !from.startsWith(".") && !from.startsWith("node:"));
  const inside = imported.filter((from) => from.startsWith("."));
  return [
    ...new Set([...packages, ...inside.flatMap((from) => packagesOf(resolve(dirname(file), from), seen))]),
  ].sort();
}

describe("what is loaded before anything begins", () => {
  test.each([
    ["with the library", "dist/sdk/index.js", ["msgpackr"]],
    ["with an executor", "dist/runtime/local.js", ["msgpackr"]],
    ["with its watchdog", "dist/runtime/watchdog.js", []],
  ])("%s are few packages: the AWS SDK, esbuild and LMDB only where they are used", (_, file, packages) => {
    expect(packagesOf(resolve(file))).toEqual(packages);
  });

  test("on Lambda is less than 600 KB", () => {
    expect(lambdaBytes()).toBeLessThan(600_000);
  });
});
