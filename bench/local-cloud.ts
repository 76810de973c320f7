import { bootstrapAndDeploy } from "../localstack/deploy.ts";
import { type LocalAws, startLocalAws } from "../localstack/local-aws.ts";

// What Node versions stratolab supports is its own to say; clients of the benchmarks' own are made before the lab's.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= "true";

/** A local AWS with the stack on it, for labs of this process. */
export async function deployedLocalAws(lambdaConcurrency: number): Promise<LocalAws> {
  const localAws = await startLocalAws({ lambdaConcurrency });
  try {
    await bootstrapAndDeploy(localAws, { stackName: "Stratolab", context: { emulator: "true" } });
    Object.assign(process.env, localAws.env);
    return localAws;
  } catch (error) {
    await localAws.stop();
    throw error;
  }
}
