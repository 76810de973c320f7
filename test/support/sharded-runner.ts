import type { Runner } from "stratolab";
import { AwsRunner } from "../../sdk/runners/aws/runner.ts";

/** The runner `aws`, with so many executors in a shard of the feed; to the type checker the package's types are others. */
export const shardedRunner = (executorsPerShard: number) => new AwsRunner({}, executorsPerShard) as unknown as Runner;
