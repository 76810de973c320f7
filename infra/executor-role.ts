import { CompositePrincipal, ManagedPolicy, Role, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import type { ILogGroup } from "aws-cdk-lib/aws-logs";
import { Stack } from "aws-cdk-lib/core";
import type { Construct } from "constructs";
import { executorAccess, type Stores } from "./data-access.ts";
import { acknowledgeWildcards, statementOf } from "./grant.ts";
import { secretAccess } from "./secret-access.ts";

interface ExecutorRoleProps extends Stores {
  readonly functionLogs: ILogGroup;
  readonly executorPolicyArns?: readonly string[] | undefined;
  readonly readableSecrets?: readonly string[] | undefined;
  readonly readableParameters?: readonly string[] | undefined;
}

/**
 * The role that user code runs with, in Lambda and ECS alike, so that a task may go from one to the
 * other and still reach what it needs.
 */
export class ExecutorRole extends Role {
  constructor(scope: Construct, id: string, props: ExecutorRoleProps) {
    super(scope, id, {
      description: "User code in stratolab executors",
      assumedBy: new CompositePrincipal(
        new ServicePrincipal("lambda.amazonaws.com"),
        new ServicePrincipal("ecs-tasks.amazonaws.com"),
      ),
      managedPolicies: (props.executorPolicyArns ?? []).map((arn, index) =>
        ManagedPolicy.fromManagedPolicyArn(scope, `${id}Policy${index + 1}`, arn),
      ),
    });
    const grants = [...executorAccess(props), ...secretAccess(Stack.of(scope), props)];
    for (const grant of grants) this.addToPolicy(statementOf(grant));
    acknowledgeWildcards(this, grants);
    // Lambda writes its logs with this role, ECS with the execution role.
    props.functionLogs.grantWrite(this);
  }
}
