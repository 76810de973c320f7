import { CloudFormationClient, DescribeStacksCommand, type Stack } from "@aws-sdk/client-cloudformation";
import type { Architecture } from "../../core/prices.ts";
import { packageVersion } from "../../package-files.ts";
import { LabError } from "../../wire/lab-error.ts";
import { PROTOCOL_VERSION } from "../../wire/protocol.ts";
import { type FunctionOutput, type GpuOutput, type LogGroupsOutput, StackOutput } from "../../wire/stack-outputs.ts";
import { explainAccess, factsOf } from "./aws-errors.ts";

/** The parts of a deployed stack. */
export interface StackParts {
  readonly name: string;
  readonly region: string;
  readonly table: string;
  readonly bucket: string;
  readonly functions: readonly FunctionOutput[];
  readonly cluster: string;
  readonly fargateTaskDefinition: string;
  readonly container: string;
  readonly subnets: readonly string[];
  readonly securityGroups: readonly string[];
  readonly assignPublicIp: "ENABLED" | "DISABLED";
  readonly architecture: Architecture;
  /** Version of the package that deployed it. */
  readonly packageVersion: string | undefined;
  readonly gpu: GpuOutput | undefined;
  readonly logGroups: LogGroupsOutput;
  /** Name of the function that drives detached runs; stacks of earlier versions have none. */
  readonly driverFunction: string | undefined;
}

/**
 * Finds the parts of a stack by its outputs.
 *
 * @throws LabError that says which command mends it, when the stack is missing, unfinished, of another
 * version, in another region, or may not be looked at.
 */
export async function findStack(name: string, region: string | undefined): Promise<StackParts> {
  const client = new CloudFormationClient({ ...(region === undefined ? {} : { region }), maxAttempts: 3 });
  const deploy = `npx cdk deploy${name === "Stratolab" ? "" : ` -c stackName=${name}`}`;
  try {
    const actualRegion = await client.config.region();
    const stack = await describe(client, name, actualRegion, deploy);
    return partsOf(stack, name, actualRegion, deploy);
  } catch (error) {
    if (error instanceof LabError) throw error;
    throw explainAccess(error, `look up the stack ${name}`) ?? error;
  } finally {
    client.destroy();
  }
}

async function describe(client: CloudFormationClient, name: string, region: string, deploy: string): Promise<Stack> {
  let stack: Stack | undefined;
  try {
    stack = (await client.send(new DescribeStacksCommand({ StackName: name }))).Stacks?.[0];
  } catch (error) {
    if (!/does not exist/.test(factsOf(error).message)) throw error;
  }
  if (!stack) {
    throw new LabError(
      "stack-missing",
      `there is no stack ${name} in region ${region}. Create it with "${deploy}"; if it is in another region or has another name, ` +
        `give aws({ stack, region }) or set STRATOLAB_STACK and AWS_REGION`,
    );
  }
  const status = stack.StackStatus ?? "unknown";
  if (
    !/^(CREATE|UPDATE|IMPORT)_COMPLETE$|^UPDATE_ROLLBACK_COMPLETE$|^UPDATE_COMPLETE_CLEANUP_IN_PROGRESS$/.test(status)
  ) {
    const advice = status.endsWith("IN_PROGRESS") ? "Wait until it is done" : `Run "${deploy}" again`;
    throw new LabError("stack-unfinished", `the stack ${name} in region ${region} is in state ${status}. ${advice}`);
  }
  return stack;
}

function partsOf(stack: Stack, name: string, region: string, deploy: string): StackParts {
  const outputs = new Map((stack.Outputs ?? []).map(({ OutputKey, OutputValue }) => [OutputKey, OutputValue]));
  const protocol = outputs.get(StackOutput.protocol);
  if (protocol === undefined) {
    throw new LabError(
      "stack-foreign",
      `the stack ${name} in region ${region} was not made by stratolab. Give the name of yours, or run "${deploy}"`,
    );
  }
  if (Number(protocol) !== PROTOCOL_VERSION) {
    const deployed = outputs.get(StackOutput.packageVersion) ?? "an unknown version";
    const advice =
      Number(protocol) > PROTOCOL_VERSION ? "Update the stratolab package" : `Run "${deploy}" to update the stack`;
    throw new LabError(
      "stack-version",
      `the stack ${name} was deployed by stratolab ${deployed} (protocol ${protocol}), this is ${packageVersion()} (protocol ${PROTOCOL_VERSION}). ${advice}`,
    );
  }
  const text = (key: string): string => {
    const value = outputs.get(key);
    if (value === undefined) {
      throw new LabError("stack-version", `the stack ${name} has no output ${key}. Run "${deploy}" to update it`);
    }
    return value;
  };
  const gpu = outputs.get(StackOutput.gpu);
  return {
    name,
    region,
    table: text(StackOutput.table),
    bucket: text(StackOutput.bucket),
    functions: JSON.parse(text(StackOutput.functions)) as FunctionOutput[],
    cluster: text(StackOutput.cluster),
    fargateTaskDefinition: text(StackOutput.fargateTaskDefinition),
    container: text(StackOutput.container),
    subnets: text(StackOutput.subnets).split(","),
    securityGroups: text(StackOutput.securityGroups).split(","),
    assignPublicIp: text(StackOutput.assignPublicIp) === "ENABLED" ? "ENABLED" : "DISABLED",
    architecture: text(StackOutput.architecture) === "arm64" ? "arm64" : "x86_64",
    packageVersion: outputs.get(StackOutput.packageVersion),
    gpu: gpu === undefined ? undefined : (JSON.parse(gpu) as GpuOutput),
    driverFunction: outputs.get(StackOutput.driverFunction),
    logGroups: JSON.parse(text(StackOutput.logGroups)) as LogGroupsOutput,
  };
}
