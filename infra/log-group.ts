import { LogGroup, RetentionDays } from "aws-cdk-lib/aws-logs";
import { RemovalPolicy } from "aws-cdk-lib/core";
import type { Construct } from "constructs";
import { oneOf } from "./checks.ts";

interface ExpiringLogGroupProps {
  readonly logRetentionDays?: number | undefined;
}

const DAYS = Object.values(RetentionDays).filter((each) => typeof each === "number" && each !== RetentionDays.INFINITE);

/** A log group that goes with the stack: logs are for looking into failures, results are kept elsewhere. */
export class ExpiringLogGroup extends LogGroup {
  constructor(scope: Construct, id: string, props: ExpiringLogGroupProps) {
    super(scope, id, {
      retention: oneOf("logRetentionDays", props.logRetentionDays ?? RetentionDays.ONE_MONTH, DAYS as RetentionDays[]),
      removalPolicy: RemovalPolicy.DESTROY,
    });
  }
}
