/**
 * Folder of this file as stacks name it, and so of the library's other files. Asked for when an error is shown: the first
 * stack of a process takes as long as everything else that is done when it loads.
 */
let ownFolder: string | undefined;
const folderOfThis = () =>
  /\(?([^\s()]+)[\\/][^\\/]+:\d+:\d+\)?$/.exec(new Error().stack?.split("\n")[1] ?? "")?.[1] ?? "";

/** The frames of a stack that are not the library's own, nor Node's, each in a line. */
export function userFrames(stack: string | undefined): string {
  ownFolder ??= folderOfThis();
  const own = ownFolder;
  const frames = (stack ?? "").split("\n").filter((line) => /^\s+at /.test(line));
  const isOurs = (frame: string) =>
    frame.includes("node:internal") ||
    /[\\/]stratolab[\\/](dist|sdk)[\\/]/.test(frame) ||
    (own !== "" && frame.includes(own));
  return frames
    .filter((frame) => !isOurs(frame))
    .map((frame) => `\n${frame}`)
    .join("");
}
