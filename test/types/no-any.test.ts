import { dirname, relative } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";
import { describe, expect, test } from "vitest";

const types = fileURLToPath(new URL("../../dist/types/", import.meta.url));

/** Every declaration file that an entry reaches by relative imports. */
function reachable(entry: string): string[] {
  const found = new Set([`${types}${entry}`]);
  for (const file of found) {
    const text = ts.sys.readFile(file);
    if (text === undefined) throw new Error(`${file} is missing: npm run build:types`);
    for (const { fileName } of ts.preProcessFile(text).importedFiles) {
      if (!fileName.startsWith(".")) continue;
      found.add(ts.sys.resolvePath(`${dirname(file)}/${fileName.replace(/\.[jt]s$/, ".d.ts")}`));
    }
  }
  return [...found];
}

/** The statements that say `any` somewhere inside, with the file they are in. */
function anywhere(file: string): string[] {
  const source = ts.createSourceFile(file, ts.sys.readFile(file) ?? "", ts.ScriptTarget.Latest, true);
  const says = (node: ts.Node): boolean =>
    node.kind === ts.SyntaxKind.AnyKeyword || ts.forEachChild(node, says) === true;
  return source.statements
    .filter(says)
    .map((statement) => `${relative(types, file)}: ${statement.getText(source).split("\n")[0]}`);
}

describe.each(["sdk/index.d.ts", "sdk/conformance/index.d.ts", "infra/index.d.ts"])(
  "what %s gives the user",
  (entry) => {
    test("says any nowhere, but for params of runnerOptions that stand above run", () => {
      const files = reachable(entry);
      expect(files.length).toBeGreaterThan(2);
      expect(files.flatMap(anywhere).filter((where) => !where.endsWith("type ParamsOfRunBelow = any;"))).toEqual([]);
    });
  },
);
