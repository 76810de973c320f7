/** How old a reading may be, in milliseconds: asking the kernel takes as long as many a task. */
const FRESH_MS = 2;

let cpuMs = 0;
let readAt = Number.NEGATIVE_INFINITY;

/** CPU time of this process so far, in milliseconds, as it was two milliseconds ago or less. */
export function processCpuMs(): number {
  const now = performance.now();
  if (now - readAt <= FRESH_MS) return cpuMs;
  const { user, system } = process.cpuUsage();
  cpuMs = (user + system) / 1000;
  readAt = now;
  return cpuMs;
}
