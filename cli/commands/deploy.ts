import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Command } from "commander";
import { packageFile } from "../../sdk/package-files.ts";
import { LabError } from "../../sdk/wire/lab-error.ts";
import { toJson } from "../print.ts";

/** `stratolab deploy`: `cdk deploy` of the stack, from wherever stratolab is installed. */
export function deployCommand(): Command {
  return new Command("deploy")
    .description("Creates or updates the stack on AWS, with the AWS CDK. What follows is passed on to cdk deploy.")
    .argument("[cdk arguments...]", "such as -c gpu=true, or -c stackName=Experiments")
    .allowUnknownOption()
    .option("--json", "print the stack's outputs as JSON; what the CDK says goes to standard error")
    .helpOption("--help", "display help for command")
    .action(async (args: string[], { json = false }: { json?: boolean }) => {
      const app = `node ${JSON.stringify(packageFile("dist/infra/app.js"))}`;
      const call = [findCdk(), "deploy", "--app", app, ...args];
      process.exitCode = await (json ? deployAndTell(call) : run(call, "inherit"));
    });
}

/** Deploys, and prints the outputs that the CDK has written down, if it came to that. */
async function deployAndTell(call: readonly string[]): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), "stratolab-deploy-"));
  try {
    const file = join(folder, "outputs.json");
    const exitCode = await run([...call, "--outputs-file", file], process.stderr);
    if (exitCode === 0) process.stdout.write(`${toJson(JSON.parse(readFileSync(file, "utf8")), 2)}\n`);
    return exitCode;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
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

function run(args: readonly string[], stdout: "inherit" | NodeJS.WriteStream): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { stdio: ["inherit", stdout, "inherit"] });
    child.on("error", reject);
    child.on("exit", (code) => resolve(code ?? 1));
  });
}
