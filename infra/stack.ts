import { Vpc } from "aws-cdk-lib/aws-ec2";
import { Stack, type StackProps } from "aws-cdk-lib/core";
import type { Construct } from "constructs";
import type { StratolabProps } from "./props.ts";
import { Stratolab } from "./stratolab.ts";

export interface StratolabStackProps extends StackProps, StratolabProps {
  /**
   * Id of an existing VPC, instead of `vpc`. It is looked up while synthesizing, so the stack needs
   * an `env` with account and region, and the CDK needs credentials for them.
   *
   * @default - `vpc`, or a VPC of the lab's own
   */
  readonly vpcId?: string;
}

/** A stack with a lab and nothing else: what `cdk deploy` in the package's folder makes. */
export class StratolabStack extends Stack {
  readonly lab: Stratolab;

  constructor(scope: Construct, id: string, props: StratolabStackProps = {}) {
    super(scope, id, {
      description: "stratolab: tasks on AWS Lambda and ECS, with cached results",
      ...props,
    });
    const { vpcId } = props;
    if (vpcId !== undefined && props.vpc) {
      throw new Error(`The stack needs either vpc or vpcId. Got both, vpcId ${vpcId}. Leave out one.`);
    }
    this.lab = new Stratolab(this, "Lab", {
      ...props,
      ...(vpcId !== undefined && { vpc: Vpc.fromLookup(this, "Vpc", { vpcId }) }),
    });
  }
}
