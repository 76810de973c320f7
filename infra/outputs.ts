import { CfnOutput } from "aws-cdk-lib/core";
import { Construct } from "constructs";

/** Values of the stack's outputs, by the keys of `StackOutput`; `undefined` is left out. */
type OutputValues = Readonly<Record<string, string | undefined>>;

/** Outputs under their exact keys, wherever in a stack the construct lies. */
export class Outputs extends Construct {
  constructor(scope: Construct, id: string, values: OutputValues) {
    super(scope, id);
    for (const [key, value] of Object.entries(values)) {
      // A construct's path would become part of the key.
      if (value !== undefined) new CfnOutput(this, key, { value }).overrideLogicalId(key);
    }
  }
}
