import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import ts from "typescript";
import { describe, expect, test } from "vitest";
import { changeCode } from "../../sdk/bundle/source-code.ts";

/** Stands for a character of code. */
const CODE = "\u2022";
const hideCode = (source: string) => changeCode(source, (code) => CODE.repeat(code.length));

describe("changing the code of a source", () => {
  test.each([
    [`"x" + x + 'x'`, `"x" + y + 'x'`],
    ["`x §{x} x §{`x §{{ x: x }.x}`} x` + x", "`x §{y} x §{`x §{{ y: y }.y}`} x` + y"],
    ["x // x\nx /* x\n x */ x", "y // x\ny /* x\n x */ y"],
    ["a / x / b; s.match(/x['\"`]/g), x", "a / y / b; s.match(/x['\"`]/g), y"],
    ["x = /[/x]x/; x", "y = /[/x]x/; y"],
    [`"it\\"s x" + x + 'it\\'s x'`, `"it\\"s x" + y + 'it\\'s x'`],
    ["`\\` \\§{x} §x` + x", "`\\` \\§{x} §x` + y"],
  ])("leaves the text in it alone: %s", (...shown) => {
    // Here, § stands for the dollar of templates.
    const [source, changed] = shown.map((text) => text.replaceAll("§", "$"));
    expect(changeCode(source, (code) => code.replaceAll("x", "y"))).toBe(changed);
  });

  test("loses nothing of whatever it is given", () => {
    const pieces = fc.constantFrom("`", "${", "}", "{", '"', "'", "/", "*", "\\", "\n", "x", "=", "(", ")");
    fc.assert(
      fc.property(fc.array(pieces), (source) => {
        expect(changeCode(source.join(""), (code) => code)).toBe(source.join(""));
      }),
    );
  });

  test("tells code from text as TypeScript does, in the sources of this project", async () => {
    const project = fileURLToPath(new URL("../../", import.meta.url));
    const folders = ["sdk", "test"];
    const paths = folders.flatMap((folder) => ts.sys.readDirectory(`${project}${folder}`, [".ts"]));
    expect(paths.length).toBeGreaterThan(150);
    const mistaken: string[] = [];
    for (const path of paths) {
      const text = await readFile(path, "utf8");
      const hidden = hideCode(text);
      const source = ts.createSourceFile(path, text, ts.ScriptTarget.Latest);
      const check = (node: ts.Node) => {
        const isText =
          ts.isStringLiteral(node) || ts.isTemplateLiteralToken(node) || ts.isRegularExpressionLiteral(node);
        if (isText || ts.isIdentifier(node)) {
          const written = text.slice(node.getStart(source), node.end);
          const seen = hidden.slice(node.getStart(source), node.end);
          if (seen !== (isText ? written : CODE.repeat(written.length))) mistaken.push(`${path}: ${written}`);
        }
        ts.forEachChild(node, check);
      };
      check(source);
    }
    expect(mistaken).toEqual([]);
  });
});
