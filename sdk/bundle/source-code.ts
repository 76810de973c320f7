/** What may hold text that only looks like code, and the braces that templates are nested by. */
const TOKEN =
  /\/\/.*|\/\*[\s\S]*?\*\/|"(?:\\[\s\S]|[^"\\\n])*"|'(?:\\[\s\S]|[^'\\\n])*'|(?<=(?:^|[(,=:[!&|?{};>]|\breturn)\s*)\/(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n[])+\/\w*|[`{}]/g;

/** Text of a template up to its end, or to the code in it. */
const TEMPLATE_TEXT = /(?:\\[\s\S]|\$(?!\{)|[^\\`$])*(?:`|\$\{)/y;

/**
 * Changes the code of a JavaScript or TypeScript source, but nothing in its strings, comments, regular
 * expressions and the text of its templates.
 *
 * @param change Is given one piece of code after the other.
 */
export function changeCode(source: string, change: (code: string) => string): string {
  let changed = "";
  let codeFrom = 0;
  /** Open braces in the code of each template that is open. */
  const templates: number[] = [];
  const keep = (from: number, to: number) => {
    changed += change(source.slice(codeFrom, from)) + source.slice(from, to);
    codeFrom = to;
    TOKEN.lastIndex = to;
  };
  const keepTemplateText = (from: number) => {
    TEMPLATE_TEXT.lastIndex = from + 1;
    const [text] = TEMPLATE_TEXT.exec(source) ?? [""];
    if (text.endsWith("${")) templates.push(0);
    keep(from, from + 1 + text.length);
  };

  TOKEN.lastIndex = 0;
  for (let match = TOKEN.exec(source); match; match = TOKEN.exec(source)) {
    const [token] = match;
    const inTemplate = templates.length > 0;
    if (token === "`") keepTemplateText(match.index);
    else if (token === "{") {
      if (inTemplate) templates[templates.length - 1] += 1;
    } else if (token !== "}") keep(match.index, match.index + token.length);
    else if (inTemplate && templates[templates.length - 1] > 0) templates[templates.length - 1] -= 1;
    else if (templates.pop() !== undefined) keepTemplateText(match.index);
  }
  return changed + change(source.slice(codeFrom));
}
