// Builds the dashboard's page into `dist/dashboard`, where its sources have changed since the last time.
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = "dashboard/page";
const OUT = "dist/dashboard";
/** What the page is made of, and with. */
const SOURCES = [ROOT, "dashboard/model", fileURLToPath(import.meta.url), "package.json"];

async function hashOfSources() {
  const hash = createHash("sha256");
  for (const source of SOURCES) {
    const entries = await readdir(source, { recursive: true, withFileTypes: true }).catch(() => undefined);
    const files = entries
      ? entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name))
      : [source];
    for (const file of files.sort())
      hash
        .update(`${file}\0`)
        .update(await readFile(file))
        .update("\0");
  }
  return hash.digest("hex");
}

export async function buildPage() {
  const stamp = join(OUT, ".sources");
  const hash = await hashOfSources();
  const built = await readFile(stamp, "utf8").catch(() => "");
  if (built === hash && existsSync(join(OUT, "page.js"))) return;
  // Loading it takes longer than most builds.
  const { build } = await import("vite");
  await build({
    root: ROOT,
    base: "./",
    configFile: false,
    logLevel: "warn",
    oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
    build: {
      outDir: join(process.cwd(), OUT),
      emptyOutDir: true,
      target: "es2022",
      // A report has all of it in one file.
      modulePreload: false,
      cssCodeSplit: false,
      // `light-dark()` is known to the browsers of these years; taken apart, scripts could not read it.
      cssTarget: ["chrome123", "firefox120", "safari17.5"],
      rolldownOptions: { output: { entryFileNames: "page.js", assetFileNames: "page[extname]" } },
    },
  });
  await writeFile(stamp, hash);
}
