import { readFileSync } from "node:fs";
import { packageFile } from "../../sdk/package-files.ts";

/** The built page, by the paths it is asked for under. */
export function pageFiles(): ReadonlyMap<string, { readonly type: string; readonly body: Buffer }> {
  const file = (name: string, type: string) =>
    [name === "index.html" ? "" : name, { type, body: readFileSync(packageFile(`dist/dashboard/${name}`)) }] as const;
  return new Map([
    file("index.html", "text/html; charset=utf-8"),
    file("page.js", "text/javascript; charset=utf-8"),
    file("page.css", "text/css; charset=utf-8"),
  ]);
}
