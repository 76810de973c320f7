import { invalidParameter } from "./ecs-error.ts";
import type { LaunchType, RunTaskInput, TaskDefinition } from "./wire.ts";

/** Fails with AWS's words unless the call's network configuration fits the task definition. */
export function requireNetwork(input: RunTaskInput, definition: TaskDefinition, launchType: LaunchType): void {
  const network = input.networkConfiguration?.awsvpcConfiguration;
  if (definition.networkMode !== "awsvpc") {
    if (network === undefined) return;
    throw invalidParameter("Network Configuration is not valid for the given networkMode of this task definition.");
  }
  if (network === undefined) {
    throw invalidParameter("Network Configuration must be provided when networkMode 'awsvpc' is specified.");
  }
  const { subnets = [], securityGroups = [], assignPublicIp } = network;
  if (subnets.length === 0) throw invalidParameter("subnets can not be empty.");
  if (subnets.length > 16) throw invalidParameter("subnets can have at most 16 items.");
  if (securityGroups.length > 5) throw invalidParameter("securityGroups can have at most 5 items.");
  const noSubnet = subnets.find((id) => !id.startsWith("subnet-"));
  if (noSubnet !== undefined) {
    throw invalidParameter(
      `Error retrieving subnet information for [${subnets.join(", ")}]: ` +
        `The subnet ID '${noSubnet}' does not exist (ErrorCode: InvalidSubnetID.NotFound).`,
    );
  }
  const noGroup = securityGroups.find((id) => !id.startsWith("sg-"));
  if (noGroup !== undefined) {
    throw invalidParameter(
      `Error retrieving security group information for [${securityGroups.join(", ")}]: ` +
        `The security group '${noGroup}' does not exist (ErrorCode: InvalidGroup.NotFound).`,
    );
  }
  // An ECS task with an interface of its own on an EC2 instance never gets a public address.
  if (launchType === "EC2" && assignPublicIp === "ENABLED") {
    throw invalidParameter("Assign public IP is not supported for this launch type.");
  }
}
