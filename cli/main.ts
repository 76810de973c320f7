#!/usr/bin/env node
import { Command, CommanderError } from "commander";
import { packageVersion } from "../sdk/package-files.ts";
import { LabError } from "../sdk/wire/lab-error.ts";
import { completionCommand } from "./commands/completion.ts";
import { dashboardCommand, reportCommand } from "./commands/dashboard.ts";
import { deployCommand } from "./commands/deploy.ts";
import { doctorCommand } from "./commands/doctor.ts";
import { explainCommand } from "./commands/explain.ts";
import { gcCommand } from "./commands/gc.ts";
import { localstackCommand } from "./commands/localstack.ts";
import { logsCommand } from "./commands/logs.ts";
import { objectsCommand } from "./commands/objects.ts";
import { planCommand } from "./commands/plan.ts";
import { cancelCommand, runsCommand } from "./commands/runs.ts";
import { summaryCommand } from "./commands/summary.ts";
import { tasksCommand } from "./commands/tasks.ts";
import { explainFailure } from "./failure.ts";

/** Ends of every command: what was asked for is done, could not be done, or could not be understood. */
const ExitCode = { failure: 1, usage: 2 } as const;

const program = new Command("stratolab")
  .description("Ray without a cluster: looks after a lab's runs, its results and its stack on AWS.")
  .version(packageVersion())
  .enablePositionalOptions()
  .showHelpAfterError("(add --help for what there is)")
  .addCommand(planCommand())
  .addCommand(tasksCommand())
  .addCommand(objectsCommand())
  .addCommand(runsCommand())
  .addCommand(cancelCommand())
  .addCommand(dashboardCommand())
  .addCommand(reportCommand())
  .addCommand(logsCommand())
  .addCommand(summaryCommand())
  .addCommand(explainCommand())
  .addCommand(gcCommand())
  .addCommand(deployCommand())
  .addCommand(doctorCommand())
  .addCommand(localstackCommand())
  .addCommand(completionCommand());

/** Commander ends the process by itself, with 1 for whatever it does not understand, unless it is told to throw. */
function throwing(command: Command): void {
  command.exitOverride();
  for (const below of command.commands) throwing(below);
}

throwing(program);
try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) {
    // It has said what is wrong; help and version are no failure.
    process.exitCode = error.exitCode === 0 ? 0 : ExitCode.usage;
  } else {
    process.stderr.write(`stratolab: ${explainFailure(error)}\n`);
    // Options that mean nothing together are refused by the commands themselves.
    const isUsage = error instanceof LabError && error.kind === "usage";
    process.exitCode = isUsage ? ExitCode.usage : ExitCode.failure;
  }
}
