import { type Command, Option } from "commander";
import { aws } from "../sdk/runners/aws/aws.ts";
import { LocalRunner } from "../sdk/runners/local/runner.ts";
import { openStores, type Stores } from "../sdk/stores/stores.ts";
import { DriverEnv } from "../sdk/wire/protocol.ts";

/** Options that say whose results a command is about. */
export interface StoreOptions {
  readonly storage?: string;
  readonly runner: "local" | "aws";
  readonly stack?: string;
  readonly json?: true;
}

/** Adds the options that every command about results has. */
export function withStoreOptions(command: Command): Command {
  return command
    .option("--storage <folder>", "folder of results on this machine (default .stratolab)")
    .addOption(
      new Option("--runner <name>", "whose results: of this machine, or of the stack on AWS")
        .choices(["local", "aws"])
        .env(DriverEnv.runner)
        .default("local"),
    )
    .addOption(new Option("--stack <name>", "name of the stack on AWS").env(DriverEnv.stack))
    .option("--json", "print JSON instead of a table");
}

/** Opens the stores that the options name. */
export async function openNamedStores({ storage, runner, stack }: StoreOptions): Promise<Stores> {
  const chosen = runner === "aws" ? aws(stack === undefined ? {} : { stack }) : new LocalRunner();
  return openStores(await chosen.storeAddress(storage));
}
