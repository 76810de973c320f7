import { spawn } from "node:child_process";
import { expect, test } from "vitest";
import { UsageMeter } from "../../runtime/usage-meter.ts";

test.runIf(process.platform === "linux")("sees CPU and memory of a process and of what it started", async () => {
  const work = `const kept = Buffer.alloc(100e6, 1); console.log("ready"); for (;;) kept[0]++`;
  const parent = spawn("sh", ["-c", `"${process.execPath}" -e '${work}'; exit`], {
    stdio: ["ignore", "pipe", "inherit"],
    detached: true,
  });
  try {
    await new Promise((resolve) => parent.stdout.once("data", resolve));
    const meter = new UsageMeter(parent.pid as number);
    const first = meter.look({ task: 1, since: 0 }, 0);
    expect(first.memoryMb).toBeGreaterThan(95);
    expect(first.cpuPercent).toBeUndefined();
    let usage = first;
    for (let at = 100; !usage.cpuPercent && at < 100_000; at += 100) {
      await new Promise((resolve) => setTimeout(resolve, 20));
      usage = meter.look({ task: 1, since: 0 }, at);
    }
    expect(usage.cpuPercent).toBeGreaterThan(0);
    expect(usage.peakMemoryMb).toBeGreaterThanOrEqual(usage.memoryMb);
  } finally {
    process.kill(-(parent.pid as number), "SIGKILL");
  }
});
