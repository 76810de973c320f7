/** Folder of this file as stacks name it, and so of the library's other files. */
const OWN_FOLDER = /\(?([^\s()]+)[\\/][^\\/]+:\d+:\d+\)?$/.exec(new Error().stack?.split("\n")[1] ?? "")?.[1];

/** The frames of a stack that are not the library's own, nor Node's, each in a line. */
export function userFrames(stack: string | undefined): string {
  const frames = (stack ?? "").split("\n").filter((line) => /^\s+at /.test(line));
  const isOurs = (frame: string) =>
    frame.includes("node:internal") ||
    /[\\/]stratolab[\\/](dist|sdk)[\\/]/.test(frame) ||
    (OWN_FOLDER !== undefined && frame.includes(OWN_FOLDER));
  return frames
    .filter((frame) => !isOurs(frame))
    .map((frame) => `\n${frame}`)
    .join("");
}
