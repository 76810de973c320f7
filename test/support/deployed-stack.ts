import type { TestProject } from "vitest/node";
import { bootstrapAndDeploy } from "../../localstack/deploy.ts";
import { startLocalAws } from "../../localstack/local-aws.ts";
import { tasksOf } from "./tasks-of.ts";

declare module "vitest" {
  export interface ProvidedContext {
    /** Environment of a program that uses the deployed stack. */
    stackEnvironment: Record<string, string>;
    stackOutputs: Record<string, string>;
    /** Text in the environment of everything that the local AWS runs. */
    localAwsOwner: string;
  }
}

/** Starts a local AWS and deploys the stack on it by a real `cdk deploy`; ends both after the tests. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const localAws = await startLocalAws({ lambdaConcurrency: 10, tasksOf });
  try {
    const outputs = await bootstrapAndDeploy(localAws, { stackName: "Stratolab", context: { emulator: "true" } });
    project.provide("stackEnvironment", { ...localAws.env });
    project.provide("stackOutputs", outputs);
    project.provide("localAwsOwner", localAws.owner.split("/")[0]);
    return () => localAws.stop();
  } catch (error) {
    await localAws.stop();
    throw error;
  }
}
