#!/usr/bin/env node
import { Command } from "commander";
import { packageVersion } from "../sdk/package-files.ts";
import { deployCommand } from "./commands/deploy.ts";
import { explainCommand } from "./commands/explain.ts";
import { gcCommand } from "./commands/gc.ts";
import { localstackCommand } from "./commands/localstack.ts";
import { logsCommand } from "./commands/logs.ts";
import { runsCommand } from "./commands/runs.ts";
import { summaryCommand } from "./commands/summary.ts";
import { tasksCommand } from "./commands/tasks.ts";
import { explainFailure } from "./failure.ts";

const program = new Command("stratolab")
  .description("Ray without a cluster: looks after a lab's runs, its results and its stack on AWS.")
  .version(packageVersion())
  .enablePositionalOptions()
  .showHelpAfterError("(add --help for what there is)")
  .addCommand(tasksCommand())
  .addCommand(runsCommand())
  .addCommand(logsCommand())
  .addCommand(summaryCommand())
  .addCommand(explainCommand())
  .addCommand(gcCommand())
  .addCommand(deployCommand())
  .addCommand(localstackCommand());

try {
  await program.parseAsync();
} catch (error) {
  process.stderr.write(`stratolab: ${explainFailure(error)}\n`);
  process.exitCode = 1;
}
