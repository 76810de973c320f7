import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

interface PackageFiles {
  /** Version of the npm package. */
  readonly version: string;
  /** Folder with the code of the Lambda functions. */
  readonly lambdaCode: string;
  /** Folder with the code of the function that drives detached runs. */
  readonly driverCode: string;
}

/**
 * What the stack takes from the npm package it lies in. This module runs from `infra/`, from
 * `dist/infra/` and from `dist/chunks/`, so the package is found by its name, not by a path.
 *
 * @param from - folder from which to look upwards
 */
export function packageFiles(from = dirname(fileURLToPath(import.meta.url))): PackageFiles {
  const root = packageRoot(from);
  const built = (name: string) => {
    const folder = join(root, "dist", "runtime", name);
    if (existsSync(join(folder, "index.mjs"))) return folder;
    throw new Error(`The Lambda functions' code is not built: ${folder} has no index.mjs. Run \`npm run build\`.`);
  };
  return { version: readPackage(root).version ?? "0.0.0", lambdaCode: built("lambda"), driverCode: built("driver") };
}

function packageRoot(from: string): string {
  for (let folder = from; ; folder = dirname(folder)) {
    if (readPackage(folder).name === "stratolab") return folder;
    if (folder === dirname(folder)) {
      throw new Error(
        `The package "stratolab" is not above ${from}. Import stratolab/infra from node_modules instead of bundling it.`,
      );
    }
  }
}

function readPackage(folder: string): { readonly name?: string; readonly version?: string } {
  const file = join(folder, "package.json");
  return existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : {};
}
