import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const project = fileURLToPath(new URL("..", import.meta.url));
const readme = readFileSync(join(project, "README.md"), "utf8");

/** Code blocks that name a file behind their language. */
const blocks = [...readme.matchAll(/^```(\w+) ([^\n]+)\n([\s\S]*?)^```$/gm)].map(([, language, name, text]) => ({
  language,
  name,
  text,
}));
const files = blocks.filter(({ language }) => language === "ts");
const outputs = blocks.filter(({ name }) => name.startsWith("output of "));

let folder: string;

/** A user's project: the README's files, and the packages they import. */
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "stratolab-readme-"));
  mkdirSync(join(folder, "node_modules"));
  symlinkSync(project, join(folder, "node_modules", "stratolab"));
  for (const name of ["aws-cdk-lib", "constructs", "@opentelemetry", "@types"]) {
    symlinkSync(join(project, "node_modules", name), join(folder, "node_modules", name));
  }
  writeFileSync(join(folder, "package.json"), JSON.stringify({ name: "reader", type: "module" }));
  for (const { name, text } of files) writeFileSync(join(folder, name), text);
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

const run = (file: string) =>
  // tsx is this project's; a reader has it installed, or a newer Node.
  execFileSync(process.execPath, ["--import", import.meta.resolve("tsx"), file], {
    cwd: folder,
    encoding: "utf8",
    env: { ...process.env, STRATOLAB_RUNNER: "" },
  });

describe("the README", () => {
  test("has the blocks that these tests are about", () => {
    expect(files.map(({ name }) => name)).toEqual(
      expect.arrayContaining(["tasks.ts", "main.ts", "options-example.ts", "lab-example.ts", "infra-example.ts"]),
    );
    expect(outputs.length).toBeGreaterThan(0);
  });

  test("shows code that type-checks under strict settings", () => {
    const config = {
      compilerOptions: {
        strict: true,
        target: "es2022",
        lib: ["es2024", "esnext.disposable"],
        module: "nodenext",
        moduleResolution: "nodenext",
        allowImportingTsExtensions: true,
        noEmit: true,
        skipLibCheck: true,
        types: ["node"],
      },
      files: files.map(({ name }) => name),
    };
    writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(config));
    const { stdout } = spawnSync(process.execPath, [join(project, "node_modules/typescript/bin/tsc"), "-p", folder], {
      encoding: "utf8",
    });
    expect(stdout).toBe("");
  });

  test.each(outputs)("prints what it says: $name", ({ name, text }) => {
    expect(run(name.replace("output of ", ""))).toBe(text);
  });

  test("shows spans of a run, its task and the attempt", () => {
    const names = [...run("tracing-example.ts").matchAll(/^ {2}name: '(.+)',$/gm)].map(([, name]) => name);
    expect(names.sort()).toEqual(["run traced", "simulate", "simulate attempt"]);
  });

  test("shows a lab's methods as they are", () => {
    const printed = run("lab-example.ts").trim().split("\n");
    expect(printed.slice(0, 3).every((line) => line.startsWith("ok { seed: "))).toBe(true);
    expect(printed.slice(3)).toEqual(["true true", "true ok 3", "true true", "1000"]);
  });

  test("shows a construct that synthesizes", () => {
    run("infra-example.ts");
  });

  test("names only commands that exist", () => {
    const { scripts } = JSON.parse(readFileSync(join(project, "package.json"), "utf8")) as {
      scripts: Record<string, string>;
    };
    const named = [...readme.matchAll(/npm run ([\w:]+)/g)].map(([, script]) => script);
    expect(named.filter((script) => !(script in scripts))).toEqual([]);
  });

  test("links only to files that exist", () => {
    const links = [...readme.matchAll(/\]\((?!https?:|#)([^)]+)\)/g)].map(([, link]) => link);
    for (const link of links) expect(() => readFileSync(join(project, link)), link).not.toThrow(/ENOENT/);
  });
});
