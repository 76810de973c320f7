import { AttributeType, BillingMode, Table } from "aws-cdk-lib/aws-dynamodb";
import { RemovalPolicy } from "aws-cdk-lib/core";
import type { Construct } from "constructs";

interface ControlTableProps {
  readonly removalPolicy?: RemovalPolicy | undefined;
  readonly deletionProtection?: boolean | undefined;
}

/** The DynamoDB table that every outcome is written to before it is believed. */
export class ControlTable extends Table {
  constructor(scope: Construct, id: string, props: ControlTableProps) {
    super(scope, id, {
      partitionKey: { name: "pk", type: AttributeType.STRING },
      sortKey: { name: "sk", type: AttributeType.STRING },
      billingMode: BillingMode.PAY_PER_REQUEST,
      timeToLiveAttribute: "ttl",
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      // DynamoDB encrypts every table. Its own key, the default, is free and needs no calls to KMS.
      deletionProtection: props.deletionProtection ?? false,
      removalPolicy: props.removalPolicy ?? RemovalPolicy.RETAIN,
    });
  }
}
