/** A piece of SVG: what is in the strings is markup, what is put into them with `${}` is not, unless it is SVG too. */
export class Svg {
  readonly markup: string;

  constructor(markup: string) {
    this.markup = markup;
  }
}

type Part = string | number | Svg | readonly Svg[];

const ENTITIES: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };

function markupOf(part: Part): string {
  if (part instanceof Svg) return part.markup;
  if (typeof part === "object") return part.map(({ markup }) => markup).join("\n");
  // Tenths of a pixel are fine enough.
  return typeof part === "number"
    ? String(Math.round(part * 10) / 10)
    : part.replace(/[&<>"]/g, (sign) => ENTITIES[sign]);
}

/** Makes SVG of a template. */
export function svg(strings: TemplateStringsArray, ...parts: readonly Part[]): Svg {
  return new Svg(strings.map((text, index) => text + (index < parts.length ? markupOf(parts[index]) : "")).join(""));
}
