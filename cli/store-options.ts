import { existsSync } from "node:fs";
import { type Command, InvalidArgumentError, Option } from "commander";
import { chooseRunner, NAMESPACE } from "../sdk/lab-options.ts";
import { aws } from "../sdk/runners/aws/aws.ts";
import { DEFAULT_STORAGE } from "../sdk/runners/local/bundle-file.ts";
import type { Runner } from "../sdk/runners/runner.ts";
import { openStores, type Stores } from "../sdk/stores/stores.ts";
import { LabError } from "../sdk/wire/lab-error.ts";
import { DriverEnv } from "../sdk/wire/protocol.ts";

/** Options that say whose results a command is about. */
export interface StoreOptions {
  readonly storage?: string;
  readonly runner?: "local" | "inline" | "aws";
  readonly stack?: string;
  readonly json?: true;
}

/** The same, of commands about one namespace. */
export interface NamespaceOptions extends StoreOptions {
  readonly namespace: string;
}

/** Stores, and where they lie if that is on this machine. */
interface NamedStores extends Stores {
  readonly directory: string | undefined;
}

/** Adds the options that every command about results has. */
export function withStoreOptions(command: Command, json = "print JSON instead of a table"): Command {
  const runner = `whose results: of this machine, or of the stack on AWS (default ${DriverEnv.runner}, else local)`;
  return command
    .option(
      "--storage <place>",
      `folder of results on this machine, or s3://bucket/prefix (default ${DEFAULT_STORAGE})`,
    )
    .addOption(new Option("--runner <name>", runner).choices(["local", "inline", "aws"]))
    .option("--stack <name>", `name of the stack on AWS (default ${DriverEnv.stack}, else Stratolab)`)
    .option("--json", json);
}

/** Adds the options of commands about one namespace. */
export const withNamespaceOptions = (command: Command, json?: string): Command =>
  withStoreOptions(command.option("--namespace <name>", "namespace of the lab", parseNamespace, "default"), json);

/** A namespace as labs have it: nothing else is anybody's. */
export function parseNamespace(text: string): string {
  if (!NAMESPACE.test(text)) throw new InvalidArgumentError('A namespace is 1 to 64 letters, digits, "_", "-" or ".".');
  return text;
}

/** The runner that the options name. */
export function namedRunner({ runner, stack }: StoreOptions): Runner {
  const chosen = chooseRunner({ runner });
  return chosen.name === "aws" && stack !== undefined ? aws({ stack }) : chosen;
}

/** Opens the stores that the options name. Looking must not create what is not there. */
export async function openNamedStores(options: StoreOptions): Promise<NamedStores> {
  const { storage } = options;
  const address = await namedRunner(options).storeAddress(storage);
  if (address.kind === "local" && !existsSync(address.directory)) {
    throw new LabError(
      "no-storage",
      `there are no results in ${storage ?? DEFAULT_STORAGE}: give --storage, or run this where your script runs`,
    );
  }
  const stores = await openStores(address);
  return { ...stores, directory: address.kind === "local" ? address.directory : undefined };
}

/** Does something with the stores that the options name, and closes them. */
export async function usingStores(options: StoreOptions, use: (stores: Stores) => Promise<void>): Promise<void> {
  const stores = await openNamedStores(options);
  try {
    await use(stores);
  } finally {
    await stores.table.close();
  }
}
