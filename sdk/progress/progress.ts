import type { ProgressListener } from "../driver/progress-events.ts";
import { lineProgress } from "./lines.ts";

/** The progress that a lab's option asks for. Drawing is loaded only where there is a terminal. */
export async function chooseProgress(option: boolean | ProgressListener | undefined): Promise<ProgressListener> {
  if (typeof option === "function") return option;
  if (option === false) return () => {};
  const stream = process.stderr;
  if (stream.isTTY && process.env.TERM !== "dumb" && !process.env.CI) {
    const { barProgress } = await import("./bars.ts");
    return barProgress(stream);
  }
  return lineProgress((line) => stream.write(`${line}\n`));
}
