import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

/** A user's project in a folder of its own: files by path, as long as `using` keeps them. */
export class Project implements Disposable {
  readonly folder = mkdtempSync(join(tmpdir(), "stratolab-project-"));

  constructor(files: Readonly<Record<string, string>>) {
    this.write("package.json", JSON.stringify({ name: "project", type: "module" }));
    for (const [path, text] of Object.entries(files)) this.write(path, text);
  }

  path(path: string): string {
    return join(this.folder, path);
  }

  write(path: string, text: string): void {
    mkdirSync(dirname(this.path(path)), { recursive: true });
    writeFileSync(this.path(path), text);
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
