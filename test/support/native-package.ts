import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

interface Lock {
  readonly packages: Readonly<Record<string, object>>;
}

/** A folder whose lock file has msgpackr-extract as this project has it: npm finds it in its own cache. */
export function nativePackageFolder(): string {
  const own = JSON.parse(readFileSync(new URL("../../package-lock.json", import.meta.url), "utf8")) as Lock;
  const wanted = /^node_modules\/((@msgpackr-extract\/)?msgpackr-extract|node-gyp-build-optional-packages|detect-libc)/;
  const entries = Object.entries(own.packages).filter(([path]) => wanted.test(path));
  const packages = Object.fromEntries(
    entries.map(([path, { optional: _, dev: __, ...entry }]: [string, { optional?: boolean; dev?: boolean }]) => [
      path,
      path.includes("@") ? { ...entry, optional: true } : entry,
    ]),
  );
  const manifest = { name: "native", version: "1.0.0", dependencies: { "msgpackr-extract": "3.0.4" } };
  const folder = mkdtempSync(join(tmpdir(), "native-package-"));
  writeFileSync(join(folder, "package.json"), JSON.stringify(manifest));
  const lock = {
    name: "native",
    version: "1.0.0",
    lockfileVersion: 3,
    requires: true,
    packages: { "": manifest, ...packages },
  };
  writeFileSync(join(folder, "package-lock.json"), JSON.stringify(lock));
  return folder;
}
