import { read } from "../processes/process-table.ts";
import type { ContainerUsage } from "./container-driver.ts";

/** The kernel's USER_HZ, 100 on every Linux that Node runs on. */
const NANOSECONDS_PER_TICK = 10_000_000;

/**
 * What one process uses, by its `/proc` entry. Memory is what the kernel's limit on a container
 * would count against it: private and shared memory, but not the file pages that every Node
 * process maps, which would be counted once for each process.
 */
export function usageOf(pid: number): ContainerUsage {
  const status = read(`/proc/${pid}/status`) ?? "";
  const stat = read(`/proc/${pid}/stat`) ?? "";
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return {
    memoryBytes: (kilobytes(status, "RssAnon") + kilobytes(status, "RssShmem")) * 1024,
    cpuNanoseconds: (Number(fields[11] ?? 0) + Number(fields[12] ?? 0)) * NANOSECONDS_PER_TICK,
  };
}

function kilobytes(status: string, field: string): number {
  const start = status.indexOf(`\n${field}:`);
  return start < 0 ? 0 : Number.parseInt(status.slice(start + field.length + 2), 10);
}
