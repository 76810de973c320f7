import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import path from "node:path";
import type { LocalAws } from "./local-aws.ts";
import { LocalAwsError } from "./local-aws-error.ts";
import { OWNER_VARIABLE } from "./processes/process-table.ts";
import { lastLines, runCommand } from "./processes/run-command.ts";

/** Options of {@link bootstrapAndDeploy}. */
export interface DeployOptions {
  /** Name of the CloudFormation stack. The app gets it as context `stackName` too. */
  readonly stackName: string;
  /** More CDK context: `-c key=value`. @default none */
  readonly context?: Readonly<Record<string, string>>;
  /** Folder of the project's `cdk.json`. @default the working directory */
  readonly cwd?: string;
  /** Told what is being done. @default nobody */
  readonly onProgress?: (message: string) => void;
  /** Told each line that `cdk` writes. @default nobody */
  readonly onLine?: (line: string) => void;
}

/** Account of every caller whose access key is no account number itself. */
const EMULATOR_ACCOUNT = "000000000000";

/**
 * `cdk bootstrap` and `cdk deploy` on a local AWS.
 *
 * @returns the stack's outputs by name
 */
export async function bootstrapAndDeploy(localAws: LocalAws, options: DeployOptions): Promise<Record<string, string>> {
  const { stackName, context = {}, cwd = process.cwd(), onProgress, onLine } = options;
  const cdk = createRequire(path.join(cwd, "package.json")).resolve("aws-cdk/bin/cdk");
  const directory = await mkdtemp(path.join(tmpdir(), "stratolab-deploy-"));
  const run = async (step: string, args: readonly string[], folder: string) => {
    const { exitCode, output } = await runCommand(
      process.execPath,
      [cdk, ...args, "--no-notices", "--no-color", "--ci"],
      {
        cwd: folder,
        env: cdkEnvironment(localAws, directory),
        ...(onLine && { onLine }),
      },
    );
    if (exitCode !== 0) throw new LocalAwsError(`cdk ${step} failed:\n${lastLines(output, 15)}`);
  };
  try {
    onProgress?.("cdk bootstrap");
    // Elsewhere than in the project, where it would run the app only to ignore what that says.
    await run("bootstrap", ["bootstrap", `aws://${EMULATOR_ACCOUNT}/${localAws.region}`], directory);
    onProgress?.("cdk deploy");
    const outputs = path.join(directory, "outputs.json");
    const args = ["deploy", stackName, "--require-approval", "never", "--outputs-file", outputs];
    // A change set, or CDK's own folder, which another `cdk` may hold, would gain nothing here.
    args.push("--method", "direct", "--no-version-reporting", "--output", path.join(directory, "cdk.out"));
    for (const [key, value] of Object.entries({ stackName, ...context })) args.push("--context", `${key}=${value}`);
    await run("deploy", args, cwd);
    const written = JSON.parse(await readFile(outputs, "utf8")) as Record<string, Record<string, string>>;
    return written[stackName] ?? {};
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** Ours, without what would lead `cdk` elsewhere than to the local AWS, or onto the internet. */
function cdkEnvironment(localAws: LocalAws, directory: string): NodeJS.ProcessEnv {
  const inherited = Object.entries(process.env).filter(([name]) => !/^(AWS_|CDK_|NODE_OPTIONS$|VITEST)/.test(name));
  return {
    ...Object.fromEntries(inherited),
    ...localAws.env,
    [OWNER_VARIABLE]: localAws.owner,
    AWS_CONFIG_FILE: path.join(directory, "config"),
    AWS_SHARED_CREDENTIALS_FILE: path.join(directory, "credentials"),
    AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: "true",
    // Otherwise it keeps the emulator's account and assets among those of the real AWS.
    CDK_HOME: path.join(directory, "home"),
    CDK_DISABLE_VERSION_CHECK: "true",
    CDK_DISABLE_CLI_TELEMETRY: "true",
    // Template validation takes five seconds of seven; the project's own checks do it, and more.
    CDK_VALIDATION: "false",
    JSII_SILENCE_WARNING_UNTESTED_NODE_VERSION: "true",
    JSII_SILENCE_WARNING_DEPRECATED_NODE_VERSION: "true",
  };
}
