// Builds `dist/`: the library, the CLI, the CDK constructs, the runtimes that executors load, and the dashboard.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { cp, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { build } from "esbuild";
import { buildPage } from "./build-page.mjs";
import { withoutBallast } from "./without-ballast.mjs";

// Chunks are named by content: old ones would pile up.
await Promise.all(
  ["dist/chunks", "dist/runtime/lambda", "dist/runtime/driver"].map((path) =>
    rm(path, { recursive: true, force: true }),
  ),
);

const shared = {
  bundle: true,
  platform: "node",
  target: "node20",
  format: "esm",
  sourcemap: true,
  logLevel: "warning",
};
// Bundled CommonJS dependencies of an ES module still ask for `require`.
const requireBanner = {
  js: 'import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);',
};
const present = (entries) => Object.fromEntries(Object.entries(entries).filter(([, file]) => existsSync(file)));

// A script that runs with tsx pays for a source map of every file in which something is imported on demand, line by line:
// modules that do so are small, and stay files of their own.
const onDemand = readdirSync("sdk", { recursive: true, encoding: "utf8" })
  .filter((path) => path.endsWith(".ts"))
  .map((path) => `sdk/${path}`)
  // The inline runner brings these into the script's process.
  .concat("runtime/load-bundle.ts", "runtime/env-folders.ts")
  .filter((path) => /(?<!typeof )(?<![\w.])import\(/.test(readFileSync(path, "utf8")))
  .map((path) => [`chunks/on-demand/${path.slice(0, -".ts".length)}`, path]);

// What runs on a user's machine: dependencies stay in node_modules, rare paths in chunks of their own.
const onTheLaptop = build({
  ...shared,
  entryPoints: present({
    "sdk/index": "sdk/index.ts",
    "sdk/background": "sdk/background.ts",
    "conformance/index": "sdk/conformance/index.ts",
    "infra/index": "infra/index.ts",
    "infra/app": "infra/app.ts",
    "cli/main": "cli/main.ts",
    "runtime/local": "runtime/local.ts",
    "runtime/watchdog": "runtime/watchdog.ts",
    ...Object.fromEntries(onDemand),
  }),
  outdir: "dist",
  splitting: true,
  chunkNames: "chunks/[name]-[hash]",
  packages: "external",
});

// Inside a bundle the codec is the executor's: a second one would be loaded with every executor.
const withLentCodec = {
  name: "with-lent-codec",
  setup(build) {
    build.onResolve({ filter: /\/codec\/codec\.ts$/ }, () => ({ path: resolve("sdk/wire/codec/lent.ts") }));
  },
};

// What `stratolab` means inside a user's bundle: one small file, bundled again with every task module.
const inTask = build({
  ...shared,
  entryPoints: ["sdk/in-task.ts"],
  outdir: "dist/sdk",
  sourcemap: false,
  minifyWhitespace: true,
  plugins: [withLentCodec],
});

// The conformance suite's tasks are a user's task module like any other: they import the package by its name.
const conformanceTasks = build({
  ...shared,
  entryPoints: ["sdk/conformance/tasks.ts"],
  outfile: "dist/conformance/tasks.js",
  plugins: [
    {
      name: "by-package-name",
      setup(build) {
        build.onResolve({ filter: /^\.\.\/task\.ts$/ }, () => ({ path: "stratolab", external: true }));
      },
    },
  ],
});

// In the cloud there is no local store: its native library must not even be looked for.
const withoutLocalStores = {
  name: "without-local-stores",
  setup(build) {
    build.onResolve({ filter: /\/local\/open\.ts$/ }, ({ path }) => ({ path, namespace: "left-out" }));
    build.onLoad({ filter: /.*/, namespace: "left-out" }, () => ({
      contents: 'export function openLocalStores() { throw new Error("there are no local stores in the cloud"); }',
    }));
  },
};

// What runs in the cloud: everything that it needs in it.
const inTheCloud = {
  ...shared,
  outExtension: { ".js": ".mjs" },
  outdir: "dist/runtime",
  minify: true,
  keepNames: true,
  sourcemap: false,
  legalComments: "none",
  plugins: [withoutLocalStores, withoutBallast],
  // The ES modules of the AWS SDK shed what is not used; its CommonJS ones cannot.
  mainFields: ["module", "main"],
  banner: requireBanner,
};
const lambda = build({
  ...inTheCloud,
  entryPoints: present({ "lambda/index": "runtime/lambda.ts", "lambda/executor": "runtime/lambda-executor.ts" }),
  splitting: true,
  chunkNames: "lambda/[name]-[hash]",
});
const container = build({ ...inTheCloud, entryPoints: present({ container: "runtime/container.ts" }) });
const driver = build({
  ...inTheCloud,
  entryPoints: present({ "driver/index": "sdk/cloud-driver.ts" }),
  splitting: true,
  chunkNames: "driver/[name]-[hash]",
  external: ["lmdb", "esbuild"],
});

await Promise.all([onTheLaptop, inTask, conformanceTasks, lambda, container, driver, buildPage()]);

// Of the many files of a Lambda function few ask for `require`; a line stays, since source maps count them.
for (const name of readdirSync("dist/runtime/lambda").filter((each) => each.endsWith(".mjs"))) {
  const path = `dist/runtime/lambda/${name}`;
  const rest = readFileSync(path, "utf8").replace(requireBanner.js, "");
  if (!/\brequire\b/.test(rest)) await writeFile(path, rest);
}

// A driver in the cloud starts containers, too: it has their runtime where the package has it.
const { name, version } = JSON.parse(await readFile("package.json", "utf8"));
await mkdir("dist/runtime/driver/dist/runtime", { recursive: true });
await cp("dist/runtime/container.mjs", "dist/runtime/driver/dist/runtime/container.mjs");
await writeFile("dist/runtime/driver/package.json", JSON.stringify({ name, version, type: "module" }));
