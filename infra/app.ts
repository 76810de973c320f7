/**
 * The CDK app of `cdk.json`: one stack, made from context. It needs neither account nor credentials
 * to synthesize, but for `vpcId`.
 */
import { App, type Environment } from "aws-cdk-lib/core";
import { readContext } from "./context.ts";
import { StratolabStack } from "./stack.ts";

try {
  // By itself it would also synthesize what an error has left half made.
  const app = new App({ autoSynth: false });
  const { stackName, props } = readContext(app.node.getAllContext());
  const env = props.vpcId === undefined ? undefined : environment(props.vpcId);
  const { lab } = new StratolabStack(app, stackName, { ...props, ...(env && { env }) });
  for (const part of lab.leftOut) console.error(`Left out, for the emulator lacks it: ${part}.`);
  app.synth();
} catch (error) {
  // The CDK adds where it stopped; a stack trace would only hide what to mend.
  console.error(`Error: ${error instanceof Error ? error.message : error}`);
  process.exitCode = 1;
}

/** The account that the CDK's credentials are for. */
function environment(vpcId: string): Environment {
  const { CDK_DEFAULT_ACCOUNT: account, CDK_DEFAULT_REGION: region } = process.env;
  if (account && region) return { account, region };
  throw new Error(
    `vpcId needs credentials to look up the VPC. Got ${vpcId} and none. Set AWS_PROFILE, or leave out vpcId.`,
  );
}
