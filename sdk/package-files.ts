import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { LabError } from "./wire/lab-error.ts";

let root: string | undefined;

/** Folder of this package, whether its sources or its build run. */
function packageRoot(): string {
  if (root !== undefined) return root;
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, "package.json"))) folder = dirname(folder);
  root = folder;
  return root;
}

/** A file that the build put into this package, such as `dist/runtime/local.js`. */
export function packageFile(path: string): string {
  const file = join(packageRoot(), path);
  if (!existsSync(file)) {
    throw new LabError(
      "incomplete-installation",
      `${file} is missing: run "npm run build", or install stratolab again`,
    );
  }
  return file;
}

/** Version of this package. */
export function packageVersion(): string {
  return (JSON.parse(readFileSync(join(packageRoot(), "package.json"), "utf8")) as { version: string }).version;
}
