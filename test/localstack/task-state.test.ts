import { describe, expect, it } from "vitest";
import { type TaskEvent, transition } from "../../localstack/ecs/task-state.ts";
import type { EcsTask } from "../../localstack/ecs/wire.ts";

const container = (name: string) => ({
  containerArn: `arn:${name}`,
  taskArn: "arn:task",
  name,
  lastStatus: "PENDING",
  networkBindings: [],
  networkInterfaces: [],
  healthStatus: "UNKNOWN" as const,
  cpu: "0",
});

const NEW: EcsTask = {
  taskArn: "arn:task",
  clusterArn: "arn:cluster",
  taskDefinitionArn: "arn:definition",
  attachments: [],
  availabilityZone: "us-east-1a",
  launchType: "FARGATE",
  containers: [container("main"), container("side")],
  cpu: "256",
  memory: "512",
  overrides: {},
  group: "family:f",
  enableExecuteCommand: false,
  healthStatus: "UNKNOWN",
  tags: [],
  version: 1,
  lastStatus: "PROVISIONING",
  desiredStatus: "RUNNING",
  createdAt: 0,
};

const PLACED: TaskEvent = { kind: "placed", at: 1 };
const STARTED: TaskEvent = { kind: "started", at: 2, runtimeIds: { main: "m", side: "s" } };
const STOPPING: TaskEvent = { kind: "stopping", at: 4 };
const DEPROVISIONING: TaskEvent = { kind: "deprovisioning", at: 5 };
const STOPPED: TaskEvent = { kind: "stopped", at: 6 };
const USER_STOP: TaskEvent = { kind: "stop-requested", at: 3, stopCode: "UserInitiated", stoppedReason: "enough" };
const SPOT_STOP: TaskEvent = { kind: "stop-requested", at: 3, stopCode: "SpotInterruption", stoppedReason: "Spot" };
const START_FAILED: TaskEvent = { kind: "start-failed", at: 2, stoppedReason: "CannotPullContainerError: no" };
const END: readonly TaskEvent[] = [STOPPING, DEPROVISIONING, STOPPED];

const exited = (name: string, exitCode: number, reason?: string): TaskEvent => ({
  kind: "container-exited",
  at: 3,
  container: name,
  essential: name === "main",
  exitCode,
  reason,
});

const past = (...events: readonly TaskEvent[]): EcsTask => events.reduce(transition, NEW);
const statuses = (...events: readonly TaskEvent[]): string[] =>
  events.map((_, index) => past(...events.slice(0, index + 1)).lastStatus);

describe("an ECS task", () => {
  it("goes through its life in AWS's order, counting its versions", () => {
    const events = [PLACED, STARTED, USER_STOP, ...END];
    expect(statuses(...events)).toEqual([
      "PENDING",
      "RUNNING",
      "DEACTIVATING",
      "STOPPING",
      "DEPROVISIONING",
      "STOPPED",
    ]);
    expect(past(...events)).toMatchObject({
      version: 7,
      desiredStatus: "STOPPED",
      pullStartedAt: 1,
      pullStoppedAt: 2,
      startedAt: 2,
      stoppingAt: 4,
      executionStoppedAt: 5,
      stoppedAt: 6,
    });
  });

  it("ends with its essential container, not with another", () => {
    expect(past(PLACED, STARTED, exited("side", 1))).toMatchObject({
      lastStatus: "RUNNING",
      desiredStatus: "RUNNING",
      containers: [{ lastStatus: "RUNNING" }, { lastStatus: "STOPPED", exitCode: 1 }],
    });
    expect(past(PLACED, STARTED, exited("main", 137, "OutOfMemoryError: x"), ...END)).toMatchObject({
      lastStatus: "STOPPED",
      stopCode: "EssentialContainerExited",
      stoppedReason: "Essential container in task exited",
      containers: [{ exitCode: 137, reason: "OutOfMemoryError: x" }, { lastStatus: "STOPPED" }],
    });
  });

  it.each([
    ["a stop before an exit", [USER_STOP, exited("main", 143)], "UserInitiated"],
    ["an exit before a stop", [exited("main", 0), USER_STOP], "EssentialContainerExited"],
    ["a Spot interruption before a stop", [SPOT_STOP, USER_STOP], "SpotInterruption"],
  ])("keeps the first reason: %s", (_, events, stopCode) => {
    expect(past(PLACED, STARTED, ...events, ...END).stopCode).toBe(stopCode);
  });

  it("can fail to start, with or without its containers", () => {
    expect(past(PLACED, START_FAILED, DEPROVISIONING, STOPPED)).toMatchObject({
      lastStatus: "STOPPED",
      stopCode: "TaskFailedToStart",
      containers: [{ name: "main" }, { name: "side" }],
    });
    expect(past(PLACED, { ...START_FAILED, withoutContainers: true }).containers).toEqual([]);
    expect(past(PLACED, START_FAILED).startedAt).toBeUndefined();
  });

  it.each([
    ["a start before its place", [], STARTED],
    ["a place after it started", [PLACED, STARTED], PLACED],
    ["a start after its stop", [PLACED, USER_STOP], STARTED],
    ["a failed start after it started", [PLACED, STARTED], START_FAILED],
    ["an end that nobody asked for", [PLACED, STARTED], DEPROVISIONING],
    ["a second exit", [PLACED, STARTED, exited("main", 0)], exited("main", 1)],
    ["anything after its end", [PLACED, STARTED, USER_STOP, ...END], USER_STOP],
  ] as const)("ignores %s", (_, events, event) => {
    const task = past(...events);
    expect(transition(task, event)).toBe(task);
  });
});
