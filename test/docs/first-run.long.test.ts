import { spawnSync } from "node:child_process";
import { readFileSync, symlinkSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { shownCommands, shownFiles } from "../../scripts/transcript.ts";
import { Project } from "../support/project.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const document = readFileSync(`${root}/docs/first-run.md`, "utf8");
const [install, ...commands] = shownCommands(document);
const project = new Project(Object.fromEntries(shownFiles(document).map(({ name, text }) => [name, text])));

/** What a reader has after the first command: the package, here as it is built, and something that runs TypeScript. */
beforeAll(() => {
  project.write("node_modules/.bin/.keep", "");
  symlinkSync(root, project.path("node_modules/stratolab"));
  symlinkSync(`${root}/dist/cli/main.js`, project.path("node_modules/.bin/stratolab"));
  symlinkSync(`${root}/node_modules/.bin/tsx`, project.path("node_modules/.bin/tsx"));
});
afterAll(() => project[Symbol.dispose]());

/** An output without what differs from time to time: numbers, ids, and what is aligned by them. */
const lastingOf = (output: string) =>
  output
    .split("\n")
    // Where a file of the library lies depends on how it was installed, and there may be fewer lines of it.
    .filter((line) => !/^\s+at |^npm |^Node\.js|:\d+$|^\s*\^|throw|^\s+triggerUncaught|^time /.test(line))
    .map((line) =>
      line
        // Of a very short attempt no memory is measured.
        .replace(/, \d+ MB$/, "")
        .replaceAll(/[0-9a-f]{12,}(-\d+)?/g, "id")
        .replaceAll(/\d{8}-\d+-\w+/g, "run")
        .replaceAll(/[\d.,:-]*\d( (ms|s|min|B|KB|MB))?\b/g, "n")
        .replaceAll(/\s+/g, " ")
        .trim(),
    )
    .filter((line) => line !== "")
    .sort();

test("begins with an installation, and takes five commands in all", () => {
  expect(install?.command).toMatch(/npm install stratolab/);
  expect(commands.map(({ command }) => command.split(" ").slice(0, 3).join(" "))).toEqual([
    "npx stratolab plan",
    "npx tsx main.ts",
    "npx stratolab explain",
    "npx stratolab logs",
  ]);
});

test("shows what its commands print", () => {
  const { STRATOLAB_RUNNER: _, STRATOLAB_STACK: __, ...env } = process.env;
  const options = { cwd: project.folder, encoding: "utf8", env: { ...env, NO_COLOR: "1", FORCE_COLOR: "0" } } as const;
  for (const { command, output } of commands) {
    const { stdout } = spawnSync("sh", ["-c", `(${command}) 2>&1`], options);
    expect(lastingOf(stdout), command).toEqual(lastingOf(output));
  }
});
