import { type IRole, ManagedPolicy } from "aws-cdk-lib/aws-iam";
import type { IFunction } from "aws-cdk-lib/aws-lambda";
import type { ILogGroup } from "aws-cdk-lib/aws-logs";
import { ArnFormat, Stack } from "aws-cdk-lib/core";
import type { Construct } from "constructs";
import { driverAccess, type Stores } from "./data-access.ts";
import type { EcsArns } from "./ecs-arns.ts";
import { acknowledgeWildcards, type Grant, statementOf } from "./grant.ts";

interface DriverPolicyProps extends Stores {
  readonly functions: readonly IFunction[];
  /** Name of the function that drives detached runs. */
  readonly driverFunction: string;
  readonly ecs: EcsArns;
  /** Families of the task definitions that a driver starts. */
  readonly taskFamilies: readonly string[];
  /** Roles that ECS hands to their containers. */
  readonly passedRoles: readonly IRole[];
  readonly logGroups: readonly ILogGroup[];
}

/** What a driver needs, on a laptop or in the cloud: attach it to whoever runs labs on this stack. */
export class DriverPolicy extends ManagedPolicy {
  constructor(scope: Construct, id: string, props: DriverPolicyProps) {
    const grants = [
      ...findStack(Stack.of(scope)),
      ...invoke(Stack.of(scope), props),
      ...runTasks(props),
      ...driverAccess(props),
      readLogs(props),
    ];
    super(scope, id, {
      description: `Runs stratolab labs on the stack ${Stack.of(scope).stackName}`,
      statements: grants.map(statementOf),
    });
    acknowledgeWildcards(this, grants);
  }
}

const findStack = (stack: Stack): Grant[] => [
  {
    actions: ["cloudformation:DescribeStacks"],
    resources: [
      stack.formatArn({ service: "cloudformation", resource: "stack", resourceName: `${stack.stackName}/*` }),
    ],
    wildcard: "A stack asked for by its name is authorised without its id.",
  },
];

const invoke = (stack: Stack, { functions, driverFunction }: DriverPolicyProps): Grant[] => [
  {
    actions: ["lambda:InvokeFunction"],
    resources: [
      ...functions.map((each) => each.functionArn),
      stack.formatArn({
        service: "lambda",
        resource: "function",
        resourceName: driverFunction,
        arnFormat: ArnFormat.COLON_RESOURCE_NAME,
      }),
    ],
  },
  {
    actions: ["lambda:GetAccountSettings"],
    resources: ["*"],
    wildcard: "The account's concurrency belongs to no resource.",
  },
];

const runTasks = ({ ecs, taskFamilies, passedRoles }: DriverPolicyProps): Grant[] => {
  const inCluster = { ArnEquals: { "ecs:cluster": ecs.cluster } };
  return [
    {
      actions: ["ecs:RunTask"],
      resources: taskFamilies.map((family) => ecs.taskDefinitions(family)),
      conditions: inCluster,
      wildcard: "All revisions of one family: an open lab outlives a deployment that makes a new one.",
    },
    {
      actions: ["ecs:DescribeTasks", "ecs:StopTask", "ecs:TagResource"],
      resources: [ecs.tasks],
      wildcard: "ECS tasks of the lab's own cluster, which get their ids when they start.",
    },
    {
      actions: ["ecs:ListTasks"],
      resources: [ecs.containerInstances],
      conditions: inCluster,
      wildcard: "AWS authorises the listing of ECS tasks by container instance; the condition names the cluster.",
    },
    { actions: ["ecs:DescribeClusters"], resources: [ecs.cluster] },
    {
      actions: ["iam:PassRole"],
      resources: passedRoles.map((role) => role.roleArn),
      conditions: { StringEquals: { "iam:PassedToService": "ecs-tasks.amazonaws.com" } },
    },
  ];
};

/** The ARN of a log group takes in its streams. */
const readLogs = ({ logGroups }: DriverPolicyProps): Grant => ({
  actions: ["logs:DescribeLogStreams", "logs:FilterLogEvents", "logs:GetLogEvents"],
  resources: logGroups.map((each) => each.logGroupArn),
});
