import { Command, InvalidArgumentError } from "commander";
import { collectGarbage, type GcProgress, MIN_GRACE_MS } from "../../sdk/gc/collect.ts";
import type { GcReport } from "../../sdk/gc/report.ts";
import { LabError } from "../../sdk/wire/lab-error.ts";
import { parseAge } from "../age.ts";
import { openNamedStores, parseNamespace, type StoreOptions, withStoreOptions } from "../store-options.ts";
import { size, table } from "../table.ts";

interface GcCommandOptions extends StoreOptions {
  readonly olderThan?: number;
  readonly namespace?: string;
  readonly grace: number;
  readonly dryRun?: true;
}

const DEFAULT_GRACE_MS = 86_400_000;
/** A line on standard error so often, in milliseconds, as long as there is work. */
const PROGRESS_EVERY_MS = 5_000;

/** `stratolab gc`: removes what nothing refers to. */
export function gcCommand(): Command {
  const command = new Command("gc")
    .description("Removes what no result and no running lab refers to: objects, code, and items whose time is over.")
    .option("--older-than <age>", "results that are older go as well, such as 30d", parseAge)
    .option("--namespace <name>", 'whose results --older-than removes (default "default")', parseNamespace)
    .option("--grace <age>", "nothing younger is touched, at least 1h (default 1d)", parseGrace, DEFAULT_GRACE_MS)
    .option("--dry-run", "remove nothing, tell what would be removed");
  return withStoreOptions(command).action(async (options: GcCommandOptions) => {
    const { olderThan, namespace = "default", grace, dryRun = false } = options;
    if (olderThan === undefined && options.namespace !== undefined) {
      throw new LabError("usage", "--namespace says whose results --older-than removes: give both or neither");
    }
    const { directory, ...stores } = await openNamedStores(options);
    try {
      const report = await collectGarbage(stores, {
        graceMs: grace,
        oldResults: olderThan === undefined ? undefined : { olderThanMs: olderThan, namespace },
        dryRun,
        directory,
        onProgress: progressLines(),
      });
      process.stdout.write(`${options.json ? JSON.stringify(report, null, 2) : describe(report)}\n`);
    } finally {
      await stores.table.close();
    }
  });
}

function parseGrace(text: string): number {
  const ms = parseAge(text);
  if (ms < MIN_GRACE_MS) {
    throw new InvalidArgumentError(`It is at least ${MIN_GRACE_MS / 60_000}m: what is younger may just be in use.`);
  }
  return ms;
}

function progressLines(): (progress: GcProgress) => void {
  let lastAt = Date.now();
  return ({ stage, done }) => {
    if (Date.now() - lastAt < PROGRESS_EVERY_MS) return;
    lastAt = Date.now();
    process.stderr.write(`${stage}: ${done.toLocaleString("en")} so far\n`);
  };
}

function describe({ dryRun, removed, freedBytes, kept, labs, keptForLabs }: GcReport): string {
  const rows = Object.entries(removed).map(([kind, { count, bytes }]) => [
    kind,
    String(count),
    bytes === 0 ? "" : size(bytes),
  ]);
  const lines = rows.length > 0 ? [table(["KIND", dryRun ? "WOULD GO" : "REMOVED", "SIZE"], rows)] : [];
  lines.push(
    `${dryRun ? "would free" : "freed"} ${size(freedBytes)}; ${kept.count} objects stay (${size(kept.bytes)})`,
  );
  if (labs.length > 0) {
    const first = labs.map(({ since }) => since).sort()[0];
    lines.push(
      `${labs.length} ${labs.length === 1 ? "lab" : "labs"} may still be there, the first since ${first}: ` +
        "what came or was used after that stays. A lab that was killed counts for a day",
    );
  }
  if (keptForLabs > 0) lines.push(`${keptForLabs} old results stay as long as there are labs, which may use them`);
  return lines.join("\n");
}
