import { describe, expect, test } from "vitest";
import { classifyEcsFailure, classifyEcsStop, type StoppedEcsTask } from "../../sdk/core/classify-ecs.ts";
import { classifyInvokeError } from "../../sdk/core/classify-lambda.ts";
import type { FailureKind } from "../../sdk/wire/outcome.ts";

const stopped = (task: Partial<StoppedEcsTask>): StoppedEcsTask => ({ containers: [], hadStarted: true, ...task });

const OUT_OF_MEMORY = "OutOfMemoryError: Container killed due to memory usage";
const ESSENTIAL_EXITED = {
  stopCode: "EssentialContainerExited",
  stoppedReason: "Essential container in task exited",
} as const;
const SPOT = { stopCode: "SpotInterruption", stoppedReason: "Your Spot Task was interrupted." } as const;

describe("what DescribeTasks says of an ECS task that stopped", () => {
  // AWS's own words, from issue threads and its documentation.
  test.each<[string, Partial<StoppedEcsTask>, FailureKind]>([
    ["a Spot interruption with exit code 2", { ...SPOT, containers: [{ exitCode: 2 }] }, "spot-interruption"],
    ["a Spot interruption with exit code 137", { ...SPOT, containers: [{ exitCode: 137 }] }, "spot-interruption"],
    ["a Spot interruption with exit code 143", { ...SPOT, containers: [{ exitCode: 143 }] }, "spot-interruption"],
    ["a Spot interruption without an exit code", { ...SPOT, containers: [{}] }, "spot-interruption"],
    ["a Spot interruption without containers", { ...SPOT }, "spot-interruption"],
    [
      "a Spot interruption before the container started",
      { ...SPOT, containers: [{}], hadStarted: false },
      "spot-interruption",
    ],
    [
      "a Spot interruption known by its reason alone",
      { stoppedReason: "Your Spot Task was interrupted.", containers: [{ exitCode: 137 }] },
      "spot-interruption",
    ],
    [
      "an instance that was told to end",
      { stopCode: "TerminationNotice", containers: [{ exitCode: 137 }] },
      "spot-interruption",
    ],
    ["out of memory", { ...ESSENTIAL_EXITED, containers: [{ exitCode: 137, reason: OUT_OF_MEMORY }] }, "out-of-memory"],
    [
      "out of memory with exit code 0, as a child was killed earlier",
      { ...ESSENTIAL_EXITED, containers: [{ exitCode: 0, reason: OUT_OF_MEMORY }] },
      "out-of-memory",
    ],
    [
      "out of memory by a stale flag, with no exit code as the container still runs",
      { ...ESSENTIAL_EXITED, containers: [{ reason: OUT_OF_MEMORY }] },
      "out-of-memory",
    ],
    [
      "out of memory at start",
      {
        stopCode: "TaskFailedToStart",
        containers: [
          {
            reason: "CannotStartContainerError: … container init was OOM-killed (memory limit too low?)",
          },
        ],
        hadStarted: false,
      },
      "out-of-memory",
    ],
    [
      "killed with 137 and no word about memory",
      { ...ESSENTIAL_EXITED, containers: [{ exitCode: 137 }] },
      "out-of-memory",
    ],
    ["killed with 137, without a stop code or a word", { containers: [{ exitCode: 137 }] }, "out-of-memory"],
    [
      "killed with 137 because somebody stopped it",
      { stopCode: "UserInitiated", stoppedReason: "Task stopped by user", containers: [{ exitCode: 137 }] },
      "executor-lost",
    ],
    [
      "an image that cannot be pulled",
      {
        stopCode: "TaskFailedToStart",
        stoppedReason: "CannotPullContainerError: ref pull has been retried N time(s): failed to resolve reference …",
        hadStarted: false,
      },
      "start-failed",
    ],
    [
      "network, secrets or logging that cannot be set up",
      { stopCode: "TaskFailedToStart", stoppedReason: "ResourceInitializationError: …", hadStarted: false },
      "start-failed",
    ],
    [
      "a container that cannot be started",
      { stopCode: "TaskFailedToStart", containers: [{ reason: "CannotStartContainerError: …" }], hadStarted: false },
      "start-failed",
    ],
    [
      "a volume that cannot be created",
      { stopCode: "TaskFailedToStart", containers: [{ reason: "CannotCreateVolumeError: …" }], hadStarted: false },
      "start-failed",
    ],
    [
      "a container that did not run in time",
      {
        ...ESSENTIAL_EXITED,
        containers: [
          { reason: "ContainerRuntimeTimeoutError: Could not transition to running; timed out after waiting 1m: …" },
        ],
        hadStarted: false,
      },
      "start-failed",
    ],
    [
      "a failure to start with an empty list of containers",
      { stopCode: "TaskFailedToStart", containers: [], hadStarted: false },
      "start-failed",
    ],
    [
      "a failure to start for want of capacity",
      {
        stopCode: "TaskFailedToStart",
        stoppedReason:
          "Capacity is unavailable at this time. Please try again later or in a different availability zone",
        hadStarted: false,
      },
      "throttled",
    ],
    [
      "a failure to start as the image registry throttles",
      {
        stopCode: "TaskFailedToStart",
        stoppedReason: "CannotPullContainerError: … toomanyrequests: Rate exceeded",
        hadStarted: false,
      },
      "throttled",
    ],
    ["an exit of the container", { ...ESSENTIAL_EXITED, containers: [{ exitCode: 1 }] }, "executor-lost"],
    [
      "an exit before the container ever said a word",
      { ...ESSENTIAL_EXITED, containers: [{ exitCode: 1 }], hadStarted: false },
      "start-failed",
    ],
    ["a health check of AWS", { stopCode: "InfrastructureHealth", containers: [{ exitCode: 137 }] }, "executor-lost"],
    ["a stop by a scheduler", { stopCode: "ServiceSchedulerInitiated", containers: [{}] }, "executor-lost"],
    ["a stop code that nobody knows", { stopCode: "SomethingNew", containers: [{ exitCode: 1 }] }, "executor-lost"],
    ["a stop without any code, reason or container", {}, "executor-lost"],
    ["a stop without any word before it began", { hadStarted: false }, "start-failed"],
  ])("%s", (_, task, kind) => {
    expect(classifyEcsStop(stopped(task)).kind).toBe(kind);
  });

  test("what was seen is told in ECS's words", () => {
    const task = stopped({ ...ESSENTIAL_EXITED, containers: [{ exitCode: 137, reason: OUT_OF_MEMORY }] });
    expect(classifyEcsStop(task).seen).toBe(
      `EssentialContainerExited; Essential container in task exited; ${OUT_OF_MEMORY}; exit code 137`,
    );
    expect(classifyEcsStop(stopped({})).seen).toBe("the ECS task stopped without a reason");
  });
});

describe("why RunTask placed less than it was asked for", () => {
  test.each([
    ["Capacity is unavailable at this time. Please try again later or in a different availability zone", "throttled"],
    ["RESOURCE:CPU", "throttled"],
    ["RESOURCE:MEMORY", "throttled"],
    ["RESOURCE:GPU", "throttled"],
    ["AGENT", "throttled"],
    ["ATTRIBUTE", "start-failed"],
    ["MISSING", "start-failed"],
    ["", "start-failed"],
  ])("%s", (reason, kind) => {
    expect(classifyEcsFailure({ reason }).kind).toBe(kind);
  });

  test("is told with the detail that AWS gives", () => {
    expect(classifyEcsFailure({ reason: "ATTRIBUTE", detail: "ecs.capability.gpu" }).seen).toBe(
      "ATTRIBUTE: ecs.capability.gpu",
    );
    expect(classifyEcsFailure({}).seen).toBe("RunTask started less than it was asked for, without a reason");
  });
});

describe("why RunTask was refused as a whole", () => {
  test("Spot asked of a cluster without its capacity provider is a failure to start", () => {
    const refusal = {
      name: "InvalidParameterException",
      message: "The specified capacity provider 'FARGATE_SPOT' is not associated with the cluster.",
      status: 400,
    };
    expect(classifyInvokeError(refusal)).toMatchObject({ kind: "start-failed", mayHaveRun: false });
  });

  test("throttled is a throttle", () => {
    const refusal = { name: "ThrottlingException", message: "Rate exceeded", status: 400 };
    expect(classifyInvokeError(refusal)).toMatchObject({ kind: "throttled", mayHaveRun: false });
  });
});
