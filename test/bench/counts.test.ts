import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { lambdaBytes } from "../../bench/cold-init.ts";

const importsOf = (source: string) =>
  [...source.matchAll(/^(?:import|export)\b[^;"']*["']([^"']+)["'];?$/gm)].map(([, from]) => from);

/** A built file and those that are loaded with it, with their text. */
function loadedWith(file: string, seen = new Map<string, string>()): ReadonlyMap<string, string> {
  if (seen.has(file)) return seen;
  const source = readFileSync(file, "utf8");
  seen.set(file, source);
  for (const from of importsOf(source)) if (from.startsWith(".")) loadedWith(resolve(dirname(file), from), seen);
  return seen;
}

/** Packages that are loaded with a built file, by itself or by what it imports: what costs time before anything begins. */
function packagesOf(file: string, seen = new Set<string>()): string[] {
  if (seen.has(file)) return [];
  seen.add(file);
  const imported = importsOf(readFileSync(file, "utf8"));
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

  test("with the library imports on demand in small files only: tsx maps each of them anew for every script", () => {
    const mapped = [...loadedWith(resolve("dist/sdk/index.js"))].filter(([, source]) =>
      /(?<![\w.])import\(/.test(source),
    );
    expect(mapped.length).toBeGreaterThan(0);
    for (const [file, { length }] of mapped) expect(length, file).toBeLessThan(10_000);
  });

  test("on Lambda is less than 600 KB", () => {
    expect(lambdaBytes()).toBeLessThan(600_000);
  });
});
