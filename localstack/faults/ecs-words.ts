import type { InstanceResource, StartError } from "./rules.ts";

/** AWS's words for what befalls ECS tasks, as other projects met them. */

export const SPOT_INTERRUPTION = {
  stopCode: "SpotInterruption",
  stoppedReason: "Your Spot Task was interrupted.",
} as const;

export const CAPACITY_UNAVAILABLE =
  "Capacity is unavailable at this time. Please try again later or in a different availability zone";

/** Reason in RunTask's `failures` where no instance has room. */
export const shortageReason = (resource: InstanceResource): string =>
  resource === "AGENT" || resource === "ATTRIBUTE" ? resource : `RESOURCE:${resource}`;

const START_REASONS: Readonly<Record<StartError, string>> = {
  ResourceInitializationError:
    "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval failed: " +
    "unable to retrieve ecr registry auth: service call has been retried 3 time(s)",
  CannotStartContainerError:
    "CannotStartContainerError: Error response from daemon: failed to create task for container: " +
    "failed to create shim task: OCI runtime create failed",
  CannotCreateVolumeError: "CannotCreateVolumeError: Error response from daemon: create volume failed",
  ContainerRuntimeTimeoutError:
    "ContainerRuntimeTimeoutError: Could not transition to running; timed out after waiting 1m: <nil>",
  OutOfMemoryAtStart:
    "CannotStartContainerError: Error response from daemon: failed to create task for container: " +
    "failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: " +
    "container init was OOM-killed (memory limit too low?): unknown",
};

export const startReason = (error: StartError): string => START_REASONS[error];

export const imagePullReason = (image: string): string =>
  `CannotPullContainerError: ref pull has been retried 1 time(s): failed to resolve reference "${image}": ` +
  `${image}: not found`;
