import { type IManagedPolicy, Role, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import { Code, Architecture as LambdaArchitecture, Function as LambdaFunction, Runtime } from "aws-cdk-lib/aws-lambda";
import type { ILogGroup } from "aws-cdk-lib/aws-logs";
import { Duration, Stack, Validations } from "aws-cdk-lib/core";
import { Construct } from "constructs";
import { DriverEnv } from "../sdk/wire/protocol.ts";
import type { Architecture } from "./props.ts";

interface DriverFunctionProps {
  /** Fixed beforehand, since the driver's policy names the function, and the function has that policy. */
  readonly functionName: string;
  readonly code: string;
  readonly driverPolicy: IManagedPolicy;
  readonly logGroup: ILogGroup;
  readonly architecture: Architecture;
}

/** A driver waits most of the time: what it needs is memory for its tasks, at the lowest price a second. */
const MEMORY_MB = 512;
const TIMEOUT_SECONDS = 900;

/** Drives runs that were detached from a laptop: one invocation after another, and none while there is no run. */
export class DriverFunction extends Construct {
  constructor(scope: Construct, id: string, props: DriverFunctionProps) {
    super(scope, id);
    const { architecture, code, driverPolicy, functionName, logGroup } = props;
    const role = new Role(this, "Role", {
      description: "Drivers of detached stratolab runs",
      assumedBy: new ServicePrincipal("lambda.amazonaws.com"),
      managedPolicies: [driverPolicy],
    });
    logGroup.grantWrite(role);
    new LambdaFunction(this, "Function", {
      functionName,
      description: "stratolab driver of detached runs",
      runtime: Runtime.NODEJS_22_X,
      handler: "index.handler",
      code: Code.fromAsset(code),
      architecture: architecture === "arm64" ? LambdaArchitecture.ARM_64 : LambdaArchitecture.X86_64,
      memorySize: MEMORY_MB,
      timeout: Duration.seconds(TIMEOUT_SECONDS),
      role,
      logGroup,
      environment: { [DriverEnv.stack]: Stack.of(this).stackName },
      // A driver that was killed has left all that another one needs; that one finds the lease lapsed.
      retryAttempts: 2,
      maxEventAge: Duration.hours(1),
    });
    Validations.of(this).acknowledge({
      id: "AwsSolutions-L1",
      reason: "nodejs22.x is supported by AWS until April 2027, and is what the runtime is tested on.",
    });
  }
}
