import { ArnFormat, type Stack } from "aws-cdk-lib/core";
import type { Grant } from "./grant.ts";

interface ReadableSecrets {
  readonly readableSecrets?: readonly string[] | undefined;
  readonly readableParameters?: readonly string[] | undefined;
}

/** What tasks may read of Secrets Manager and the Parameter Store: what is named, and nothing else. */
export const secretAccess = (stack: Stack, props: ReadableSecrets): Grant[] => [
  ...(props.readableSecrets ?? []).map((secret) => ({
    actions: ["secretsmanager:GetSecretValue"],
    resources: [secretArn(stack, required("readableSecrets", secret))],
    wildcard: "Secrets Manager ends the ARN of a secret with six characters of its own.",
  })),
  ...(props.readableParameters ?? []).map((parameter) => ({
    actions: ["ssm:GetParameter"],
    resources: [parameterArn(stack, required("readableParameters", parameter))],
  })),
];

function required(prop: string, name: string): string {
  if (name !== "" && !name.includes("*")) return name;
  throw new Error(`${prop} needs names or ARNs. Got ${JSON.stringify(name)}. Name each one that tasks read.`);
}

const secretArn = (stack: Stack, name: string): string =>
  name.startsWith("arn:")
    ? name
    : stack.formatArn({
        service: "secretsmanager",
        resource: "secret",
        resourceName: `${name}-??????`,
        arnFormat: ArnFormat.COLON_RESOURCE_NAME,
      });

const parameterArn = (stack: Stack, name: string): string =>
  name.startsWith("arn:")
    ? name
    : stack.formatArn({ service: "ssm", resource: "parameter", resourceName: name.replace(/^\//, "") });
