import { once } from "node:events";
import type { Readable } from "node:stream";
import { describe, expect, test } from "vitest";
import { processesWith, runScript } from "../support/scripts.ts";
import { LabBench } from "./lab-bench.ts";

/** Starts the script, and resolves when its first task has begun. */
async function start(bench: LabBench, mode = "plain") {
  const script = runScript("sdk/fixtures/interrupted-script.ts", [bench.folder, mode], {
    STRATOLAB_TEST: bench.folder,
  });
  await bench.begun(1);
  return script;
}

/** Resolves when the script has said this on standard error. */
async function said(stream: Readable, words: string): Promise<void> {
  for (let text = ""; !text.includes(words); ) text += String((await once(stream, "data"))[0]);
}

const processes = (bench: LabBench) => processesWith(`STRATOLAB_TEST=${bench.folder}`);

describe("a script that is interrupted", () => {
  test("is told what is there and what is not, and ends with the code of an interrupted program", async () => {
    await using bench = new LabBench();
    const { child, ended } = await start(bench);
    child.kill("SIGINT");
    await said(child.stderr as Readable, "Ctrl-C again");
    bench.open(1);
    const { exitCode, stdout, stderr } = await ended;
    expect(JSON.parse(stdout)).toEqual({ kind: "cancelled", results: [1, null], names: ["TaskCancelledError: gated"] });
    expect(stderr).toContain("interrupted: 1 running attempt will finish; Ctrl-C again stops them");
    expect(exitCode).toBe(130);
    expect(bench.lines("begun")).toEqual(["1"]);
    expect(bench.lines("done")).toEqual(["1"]);
    expect(processes(bench)).toEqual([]);
  });

  test("twice stops what is running, and keeps nothing of it", async () => {
    await using bench = new LabBench();
    const { child, ended } = await start(bench);
    child.kill("SIGINT");
    await said(child.stderr as Readable, "Ctrl-C again");
    child.kill("SIGINT");
    const { exitCode, stdout } = await ended;
    expect(JSON.parse(stdout)).toMatchObject({ kind: "cancelled", results: [null, null] });
    expect(exitCode).toBe(130);
    expect(bench.lines("done")).toEqual([]);
    expect(processes(bench)).toEqual([]);
  });

  test("after its run ends at once, as any program does", async () => {
    await using bench = new LabBench();
    const { child, ended } = await start(bench, "after");
    for (const id of [1, 2]) bench.open(id);
    await said(child.stdout as Readable, "waiting");
    child.kill("SIGINT");
    expect(await ended).toMatchObject({ signal: "SIGINT", exitCode: null, stdout: "[1,2]\nwaiting\n" });
    while (processes(bench).length > 0) await new Promise((resolve) => setTimeout(resolve, 20));
  });

  test("by a signal it handles itself goes on", async () => {
    await using bench = new LabBench();
    const { child, ended } = await start(bench, "own");
    child.kill("SIGINT");
    await said(child.stdout as Readable, "heard it myself");
    for (const id of [1, 2]) bench.open(id);
    expect(await ended).toMatchObject({ exitCode: 0, stdout: "heard it myself\n[1,2]\n" });
    expect(processes(bench)).toEqual([]);
  });
});
