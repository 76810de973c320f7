import { createHash } from "node:crypto";
import type { ToldEvent, ToldRun } from "../model/told-run.ts";
import { pageFiles } from "./page-files.ts";

/** Log lines of a task that a report keeps, the last ones. */
const MAX_LINES = 200;

/** A run as one HTML file that needs nothing else: the dashboard's page with its data in it. */
export function renderReport(told: ToldRun): string {
  const files = pageFiles();
  const text = (name: string) => files.get(name)?.body.toString("utf8") ?? "";
  // In a script or a style element, only its own end tag could end it.
  const script = text("page.js")
    .replaceAll(/<\/(?=script)/gi, "<\\/")
    .replaceAll("<!--", "<\\!--");
  const style = text("page.css").replaceAll(/<\/(?=style)/gi, "<\\/");
  const data = inlineJson({ ...told, events: withoutOldLines(told.events) });
  const csp = `default-src 'none'; script-src '${hashOf(script)}'; style-src '${hashOf(style)}'; img-src data:; base-uri 'none'; form-action 'none'`;
  return [
    "<!doctype html>",
    '<html lang="en">',
    "<head>",
    '<meta charset="utf-8">',
    `<meta http-equiv="content-security-policy" content="${csp}">`,
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    '<meta name="referrer" content="no-referrer">',
    "<title>stratolab report</title>",
    `<style>${style}</style>`,
    "</head>",
    "<body>",
    '<div id="page"></div>',
    `<script type="application/json" id="told-run">${data}</script>`,
    `<script type="module">${script}</script>`,
    "</body>",
    "</html>",
    "",
  ].join("\n");
}

const hashOf = (text: string) => `sha256-${createHash("sha256").update(text).digest("base64")}`;

/** JSON that no HTML parser sees anything in: without `<`, `>` and `&`, whatever texts are in it. */
export const inlineJson = (value: unknown): string =>
  JSON.stringify(value).replace(
    /[<>&\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );

/** Of each task the last lines; a notice says of how many the first ones are left out. */
export function withoutOldLines(events: readonly ToldEvent[], maxLines = MAX_LINES): ToldEvent[] {
  const lines = new Map<number, number>();
  for (const event of events) if (event.type === "log") lines.set(event.task, (lines.get(event.task) ?? 0) + 1);
  let leftOut = 0;
  const kept = events.filter((event) => {
    if (event.type !== "log") return true;
    const left = lines.get(event.task) ?? 0;
    lines.set(event.task, left - 1);
    if (left <= maxLines) return true;
    leftOut += 1;
    return false;
  });
  if (leftOut === 0) return kept;
  const text = `${leftOut} log lines are not in this report, which keeps the last ${maxLines} of each task`;
  return [...kept, { type: "notice", at: events.at(-1)?.at ?? 0, text }];
}
