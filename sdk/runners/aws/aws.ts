import { DeferredRunner } from "../deferred.ts";
import type { Runner } from "../runner.ts";
import { type AwsOptions, checkAwsOptions } from "./options.ts";

/**
 * The runner for a stack that is not the default one.
 *
 * @throws LabOptionError for options that mean nothing.
 * @example
 * await using lab = new Lab({ tasks, runner: aws({ stack: "Experiments", region: "eu-central-1" }) });
 */
export function aws(options: AwsOptions = {}): Runner {
  checkAwsOptions(options);
  return new DeferredRunner("aws", async () => {
    const { AwsRunner } = await import("./runner.ts");
    return new AwsRunner(options);
  });
}

export type { AwsOptions };
