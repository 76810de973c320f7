/** What an executor uses at this moment, with everything that its task started. */
export interface LiveUsage {
  /** CPU time since the last look by the time between: 100 is one core. Absent where it cannot be measured. */
  readonly cpuPercent?: number;
  readonly memoryMb: number;
  /** Highest that was seen while the attempt ran, in MB. */
  readonly peakMemoryMb: number;
}
