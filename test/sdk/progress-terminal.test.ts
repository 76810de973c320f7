import { spawn } from "node:child_process";
import { rmSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Terminal } from "@xterm/headless";
import { expect, test } from "vitest";

const SCRIPT = fileURLToPath(new URL("fixtures/talking-script.ts", import.meta.url));
const COLUMNS = 100;
const ROWS = 24;

/** Runs a command in a pseudo-terminal; resolves with all that was on its screen, and each screen on the way. */
async function inTerminal(command: string) {
  const terminal = new Terminal({ cols: COLUMNS, rows: ROWS, scrollback: 1_000, allowProposedApi: true });
  const env = { ...process.env, TERM: "xterm-256color", CI: "", NO_COLOR: "1", STRATOLAB_RUNNER: "" };
  const child = spawn("script", ["-qefc", `stty cols ${COLUMNS} rows ${ROWS}; ${command}`, "/dev/null"], {
    stdio: ["ignore", "pipe", "inherit"],
    env,
  });
  const lines = () => {
    const { buffer } = terminal;
    return Array.from(
      { length: buffer.active.length },
      (_, row) => buffer.active.getLine(row)?.translateToString(true) ?? "",
    );
  };
  const screens: string[] = [];
  child.stdout.on("data", (piece: Buffer) => terminal.write(piece, () => screens.push(lines().join("\n"))));
  const exitCode = await new Promise<number | null>((resolve) => child.on("close", resolve));
  await new Promise<void>((resolve) => terminal.write("", resolve));
  return { exitCode, screens, lines: lines().filter((line) => line !== "") };
}

test("what a script prints stays whole and in order while bars are drawn", async () => {
  const folder = await mkdtemp(join(tmpdir(), "stratolab-terminal-"));
  try {
    const { exitCode, lines, screens } = await inTerminal(`${process.execPath} --import tsx ${SCRIPT} ${folder}`);
    expect(exitCode).toBe(0);
    const own = lines.filter((line) => /^(out|err|in pieces|over)/.test(line));
    expect(own).toEqual([...[1, 2, 3, 4, 5, 6].flatMap((n) => [`out ${n}`, `err ${n}`, `in pieces: ${n}`]), "over"]);
    // Nothing else is left than that, the tasks' log lines, and the bars as they were in the end.
    const rest = lines.filter((line) => !own.includes(line));
    expect(rest.slice(0, 2).sort()).toEqual(["talk({ seed: 1 }) task 1 begins", "talk({ seed: 2 }) task 2 begins"]);
    expect(rest.slice(2)).toEqual([
      expect.stringMatching(/^run \S+ on local {2}/),
      expect.stringMatching(/^ {2}talk {2}█{24} {2}2\/2/),
    ]);
    // On the way it said what ran, where, and what it used.
    const running = /talk\(\{ seed: \d \}\), attempt 1 on local …\w+-\d: \d\.\d s(, CPU \d+ %)?, \d+ MB/;
    expect(screens.some((screen) => running.test(screen))).toBe(true);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
