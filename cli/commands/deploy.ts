import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import { join } from "node:path";
import { Command } from "commander";
import { packageFile } from "../../sdk/package-files.ts";
import { LabError } from "../../sdk/wire/lab-error.ts";

/** `stratolab deploy`: `cdk deploy` of the stack, from wherever stratolab is installed. */
export function deployCommand(): Command {
  return new Command("deploy")
    .description("Creates or updates the stack on AWS, with the AWS CDK. What follows is passed on to cdk deploy.")
    .argument("[cdk arguments...]", "such as -c gpu=true, or -c stackName=Experiments")
    .allowUnknownOption()
    .helpOption("--help", "display help for command")
    .action(async (args: string[]) => {
      const app = `node ${JSON.stringify(packageFile("dist/infra/app.js"))}`;
      process.exitCode = await run(process.execPath, [findCdk(), "deploy", "--app", app, ...args]);
    });
}

/** The CDK of the user's project; it is too large to come along with every installation. */
function findCdk(): string {
  const require = createRequire(join(process.cwd(), "package.json"));
  try {
    require.resolve("aws-cdk-lib/package.json");
    return require.resolve("aws-cdk/bin/cdk");
  } catch {
    throw new LabError(
      "no-cdk",
      'the AWS CDK is not installed here. Run "npm install --save-dev aws-cdk@2 aws-cdk-lib constructs", then this again',
    );
  }
}

function run(command: string, args: readonly string[]): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: "inherit" });
    child.on("error", reject);
    child.on("exit", (code) => resolve(code ?? 1));
  });
}
