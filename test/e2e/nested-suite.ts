import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Lab, type LabOptions, RunError } from "stratolab";
import { expect } from "vitest";

/** A lab of the tasks that run tasks; nothing of it is in any cache. */
export const nestingLab = (options: Partial<LabOptions> = {}) =>
  new Lab({
    tasks: new URL("./fixtures/nested-tasks.ts", import.meta.url),
    progress: false,
    namespace: `nested-${process.pid}-${Date.now()}`,
    ...options,
  });

export const newFile = () => join(mkdtempSync(join(tmpdir(), "nested-")), "lines");

/** Lines that tasks have left, the first word of each. */
export function linesOf(file: string): string[][] {
  try {
    return readFileSync(file, "utf8")
      .trim()
      .split("\n")
      .map((line) => line.split(" "));
  } catch {
    return [];
  }
}

export const countOf = (file: string, word: string) => linesOf(file).filter(([first]) => first === word).length;

/** The error that a run fails with. */
export async function failureOf(run: Promise<unknown>): Promise<RunError> {
  const error = await run.catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(RunError);
  return error as RunError;
}
