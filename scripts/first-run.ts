// Writes the outputs in docs/first-run.md anew: packs the package, and does in an empty folder what the document says.
//   npm run docs:first-run
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { shownCommands, shownFiles, withOutputs } from "./transcript.ts";

const DOCUMENT = "docs/first-run.md";
const PACKAGE = "stratolab.tgz";
/** What the package manager says of this machine, its versions and the registry. */
const NOT_OURS = /^(npm (warn|notice)\b.*|.*looking for funding.*|.*`npm fund`.*|found 0 vulnerabilities|)$/;

const document = readFileSync(DOCUMENT, "utf8");
const folder = mkdtempSync(join(tmpdir(), "stratolab-first-run-"));
const { STRATOLAB_RUNNER: _, STRATOLAB_STACK: __, ...env } = process.env;

/** What a command prints, without what only this machine knows. */
function outputOf(command: string): string {
  console.error(`$ ${command}`);
  // The package is not published under its name here: what was packed takes its place.
  const line = command.replace(/^(npm .*\binstall) stratolab\b/, `$1 ./${PACKAGE}`);
  const options = { cwd: folder, encoding: "utf8", env: { ...env, NO_COLOR: "1", FORCE_COLOR: "0" } } as const;
  const { stdout } = spawnSync("sh", ["-c", `(${line}) 2>&1`], options);
  const isInstall = line !== command;
  return stdout
    .replaceAll(folder, "/home/you/project")
    .replaceAll(hostname(), "laptop")
    .split("\n")
    .filter((text) => !(isInstall ? NOT_OURS : /^npm warn /).test(text))
    .join("\n");
}

try {
  const [{ filename }] = JSON.parse(
    execFileSync("npm", ["pack", "--ignore-scripts", "--json", "--pack-destination", folder], { encoding: "utf8" }),
  );
  execFileSync("mv", [join(folder, filename), join(folder, PACKAGE)]);
  for (const { name, text } of shownFiles(document)) writeFileSync(join(folder, name), text);
  const outputs = shownCommands(document).map(({ command }) => outputOf(command));
  writeFileSync(DOCUMENT, withOutputs(document, outputs));
} finally {
  rmSync(folder, { recursive: true, force: true });
}
