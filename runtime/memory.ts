import { readFileSync } from "node:fs";
import { processTree } from "./process-tree.ts";

const IS_LINUX = process.platform === "linux";

/** A file of `/proc`, empty where the process is gone or the file is not offered. */
function read(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return "";
  }
}

/**
 * Memory that a process holds for itself, in bytes: its heap and shared memory, but not mapped files,
 * which the kernel can drop at any time (the node binary, LMDB's map).
 */
function memoryOf(pid: number): number {
  const status = read(`/proc/${pid}/status`);
  const kilobytes = (field: string) => Number(status.match(new RegExp(`^${field}:\\s+(\\d+) kB`, "m"))?.[1] ?? 0);
  return (kilobytes("RssAnon") + kilobytes("RssShmem")) * 1024;
}

/** Memory of this process, in bytes. Elsewhere than on Linux all that is resident counts. */
export function ownMemory(): number {
  return IS_LINUX ? memoryOf(process.pid) : process.memoryUsage.rss();
}

/** Memory of a process and of everything it started, in bytes. */
export function treeMemory(root: number): number {
  if (!IS_LINUX) return root === process.pid ? process.memoryUsage.rss() : 0;
  let bytes = 0;
  for (const pid of processTree(root)) bytes += memoryOf(pid);
  return bytes;
}
