/**
 * How the supervisor of an executor watches memory. It ends an attempt before the kernel would, so that
 * the reason is known and the executor lives on.
 */
export interface MemoryMonitor {
  /**
   * Memory that must stay free, in MB: an attempt that leaves less is ended as out of memory. Default: 5 %
   * of the executor and at least 24 MB on AWS; 0 on this machine, where `memoryMb` is what a task may use.
   */
  readonly marginMb?: number;
  /** How often memory is looked at, in milliseconds, at least 10. Default 100; on this machine 50, and 200 where no memory is limited. */
  readonly pollMs?: number;
}
