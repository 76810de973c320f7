// Takes a picture of a terminal, as SVG, while a command runs in it:
//   node scripts/terminal-picture.mjs --when REGEX --out FILE [--columns N] [--rows N] -- COMMAND
// The picture is taken when the screen first matches the expression, and again over it at each further
// match, so the last match counts. Needs `script` of util-linux for a pseudo-terminal.
import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import headless from "@xterm/headless";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    when: { type: "string", default: "." },
    out: { type: "string" },
    columns: { type: "string", default: "96" },
    rows: { type: "string", default: "20" },
  },
});
if (!values.out || positionals.length === 0) {
  console.error("usage: terminal-picture --out FILE [--when REGEX] [--columns N] [--rows N] -- COMMAND");
  process.exit(1);
}
const [columns, rows] = [Number(values.columns), Number(values.rows)];
const terminal = new headless.Terminal({ cols: columns, rows, allowProposedApi: true, convertEol: false });
const command = `stty cols ${columns} rows ${rows}; ${positionals.join(" ")}`;
const child = spawn("script", ["-qefc", command, "/dev/null"], {
  stdio: ["ignore", "pipe", "inherit"],
  env: { ...process.env, TERM: "xterm-256color", CI: "" },
});

const PALETTE = ["#2e3436", "#ef5350", "#66bb6a", "#ffca28", "#42a5f5", "#ab47bc", "#26c6da", "#eceff1"];
const CELL = { width: 8.4, height: 18 };
const escaped = (text) =>
  text.replace(/[&<>]/g, (character) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;" })[character]);

function screen() {
  const lines = [];
  for (let row = 0; row < rows; row++) {
    lines.push(terminal.buffer.active.getLine(terminal.buffer.active.viewportY + row)?.translateToString(true) ?? "");
  }
  return lines;
}

function draw() {
  const parts = [];
  const used = screen().findLastIndex((line) => line !== "") + 1;
  for (let row = 0; row < used; row++) {
    const line = terminal.buffer.active.getLine(terminal.buffer.active.viewportY + row);
    for (let column = 0; column < columns; column++) {
      const cell = line?.getCell(column);
      const text = cell?.getChars() ?? "";
      if (text === "" || text === " ") continue;
      const fill = cell.isFgPalette() ? (PALETTE[cell.getFgColor() % 8] ?? "#d8dee9") : "#d8dee9";
      const style = `${cell.isBold() ? ' font-weight="bold"' : ""}${cell.isDim() ? ' opacity="0.5"' : ""}`;
      const x = (12 + column * CELL.width).toFixed(1);
      const y = 26 + row * CELL.height;
      parts.push(`<text x="${x}" y="${y}" fill="${fill}"${style}>${escaped(text)}</text>`);
    }
  }
  const [width, height] = [Math.ceil(columns * CELL.width + 24), used * CELL.height + 24];
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace" font-size="14"><rect width="100%" height="100%" rx="8" fill="#1e222a"/>${parts.join("")}</svg>\n`;
}

const when = new RegExp(values.when);
let taken = false;
child.stdout.on("data", (piece) => {
  terminal.write(piece, () => {
    if (!screen().some((line) => when.test(line))) return;
    writeFileSync(values.out, draw());
    taken = true;
  });
});
child.on("close", (code) => {
  if (!taken) console.error(`the screen never matched ${when}`);
  process.exit(taken ? 0 : code || 1);
});
