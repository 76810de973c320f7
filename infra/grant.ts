import { PolicyStatement } from "aws-cdk-lib/aws-iam";
import { Stack, Validations } from "aws-cdk-lib/core";
import type { Construct } from "constructs";

/** A permission of a role or a policy. */
export interface Grant {
  readonly actions: readonly string[];
  readonly resources: readonly string[];
  readonly conditions?: Record<string, Record<string, string | readonly string[]>>;
  /** Why a resource ends in a wildcard, where one does. */
  readonly wildcard?: string;
}

export const statementOf = ({ actions, resources, conditions }: Grant): PolicyStatement =>
  new PolicyStatement({
    actions: [...actions],
    resources: [...resources],
    ...(conditions && { conditions }),
  });

/** Tells cdk-nag the reason for each wildcard. One without a reason stays a finding. */
export function acknowledgeWildcards(holder: Construct, grants: readonly Grant[]): void {
  for (const { resources, wildcard } of grants) {
    if (!wildcard) continue;
    for (const resource of resources) {
      const name = asNagNamesIt(Stack.of(holder).resolve(resource));
      Validations.of(holder).acknowledge({ id: `AwsSolutions-IAM5[Resource::${name}]`, reason: wildcard });
    }
  }
}

/** cdk-nag names a finding after the resource, with references in angle brackets. */
function asNagNamesIt(resource: unknown): string {
  if (typeof resource === "string") return resource;
  const {
    Ref,
    "Fn::GetAtt": attribute,
    "Fn::Join": joined,
  } = resource as {
    Ref?: string;
    "Fn::GetAtt"?: [string, string];
    "Fn::Join"?: [string, unknown[]];
  };
  if (joined) return joined[1].map(asNagNamesIt).join(joined[0]);
  return `<${attribute ? attribute.join(".") : Ref}>`;
}
