#!/usr/bin/env node
import { Command } from "commander";
import { packageVersion } from "../sdk/package-files.ts";
import { deployCommand } from "./commands/deploy.ts";
import { gcCommand } from "./commands/gc.ts";
import { localstackCommand } from "./commands/localstack.ts";
import { planCommand } from "./commands/plan.ts";
import { runsCommand } from "./commands/runs.ts";
import { tasksCommand } from "./commands/tasks.ts";
import { explainFailure } from "./failure.ts";

const program = new Command("stratolab")
  .description("Ray without a cluster: looks after a lab's runs, its results and its stack on AWS.")
  .version(packageVersion())
  .enablePositionalOptions()
  .showHelpAfterError("(add --help for what there is)")
  .addCommand(planCommand())
  .addCommand(tasksCommand())
  .addCommand(runsCommand())
  .addCommand(gcCommand())
  .addCommand(deployCommand())
  .addCommand(localstackCommand());

try {
  await program.parseAsync();
} catch (error) {
  process.stderr.write(`stratolab: ${explainFailure(error)}\n`);
  process.exitCode = 1;
}
