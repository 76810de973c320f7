import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { runInThisContext } from "node:vm";
import { build } from "esbuild";
import type { Mutation } from "./mutations.ts";

type Simulation = typeof import("./simulate.ts");

const HERE = dirname(fileURLToPath(import.meta.url));
const BREAKABLE = /[\\/]sdk[\\/](core|driver|stores)[\\/][^\\/]+\.ts$/;

/** The simulation around a scheduler that is broken in this way: a bundle in memory, no file is touched. */
export async function simulationOf(mutation: Mutation | undefined): Promise<Simulation> {
  const { outputFiles } = await build({
    entryPoints: [join(HERE, "simulate.ts")],
    bundle: true,
    write: false,
    platform: "node",
    format: "cjs",
    packages: "external",
    plugins: [
      {
        name: "mutate",
        setup: ({ onLoad }) => {
          onLoad({ filter: BREAKABLE }, async ({ path }) => {
            const source = await readFile(path, "utf8");
            const contents = mutation ? mutated(source, basename(path), mutation) : source;
            return { contents, loader: "ts" };
          });
        },
      },
    ],
  });
  const module = { exports: {} };
  const evaluate = runInThisContext(`(function (require, module, exports) { ${outputFiles[0].text}\n})`);
  evaluate(createRequire(import.meta.url), module, module.exports);
  return module.exports as Simulation;
}

function mutated(source: string, file: string, { name, edits }: Mutation): string {
  return edits.reduce((text, { file: meant, find, replace }) => {
    if (meant !== file) return text;
    const [before, after, ...more] = text.split(find);
    if (after === undefined || more.length > 0) {
      throw new Error(
        `the mutation "${name}" must find its text once in ${file}; it is there ${more.length + (after === undefined ? 0 : 1)} times: ${find}`,
      );
    }
    return before + replace + after;
  }, source);
}
