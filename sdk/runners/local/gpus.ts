import { readdirSync } from "node:fs";

/** GPUs of this machine that NVIDIA's driver shows; none where there is no such driver. */
export function localGpus(): number {
  try {
    return readdirSync("/proc/driver/nvidia/gpus").length;
  } catch {
    return 0;
  }
}
