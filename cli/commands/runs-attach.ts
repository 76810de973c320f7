import { Lab } from "../../sdk/lab.ts";
import type { Run } from "../../sdk/run.ts";
import { findRun, type RunInfo } from "../../sdk/runs.ts";
import { LabError } from "../../sdk/wire/lab-error.ts";
import { explainFailure } from "../failure.ts";
import { print } from "../print.ts";
import { type NamespaceOptions, namedRunner, openNamedStores } from "../store-options.ts";

export interface AttachOptions extends NamespaceOptions {
  readonly drive?: true;
}

/** What shells report of a program that Ctrl-C ended. */
const INTERRUPTED = 130;

/** `stratolab runs attach <run>`: follows a run with its progress, or goes on with one whose driver is gone. */
export async function attach(idOrName: string, options: AttachOptions): Promise<void> {
  const { namespace, storage, json, drive = false } = options;
  const { table } = await openNamedStores(options);
  try {
    const found = await findRun(table, namespace, idOrName);
    if (found.status === "interrupted" && !drive) throw interrupted(found);
    const lab = new Lab({
      runner: namedRunner(options),
      namespace,
      handleInterrupt: false,
      ...(storage === undefined ? {} : { storage }),
    });
    const stop = leaveOnInterrupt(found.id);
    try {
      const run = await lab.attach(found.id, { drive });
      const ended = await Promise.race([stop.asked, outcomeOf(run)]);
      if (ended === "asked") await leave(run);
      const now = await findRun(table, namespace, found.id);
      print(json, now, ({ id, status }) => `run ${id}: ${status}`);
      if (ended === "asked") process.exitCode = INTERRUPTED;
      else if (ended) throw ended;
    } finally {
      stop.release();
      await lab.close();
    }
  } finally {
    await table.close();
  }
}

/** The error that a run has ended with, if it has not ended well. */
const outcomeOf = (run: Run): Promise<Error | undefined> =>
  run.results().then(
    () => undefined,
    (error: Error) => error,
  );

/** A run that is driven here is handed over; one that is followed needs nothing to go on. */
async function leave(run: Run): Promise<void> {
  await run.detach().catch((error: LabError) => {
    if (error.kind === "not-driven" || error.kind === "run-over") return;
    process.stderr.write(`run ${run.id} cannot go on by itself: ${explainFailure(error)}\n`);
  });
}

function leaveOnInterrupt(id: string) {
  let release = () => {};
  const asked = new Promise<"asked">((resolve) => {
    const onInterrupt = () => {
      process.stderr.write(`run ${id} goes on; "stratolab runs attach ${id}" follows it again\n`);
      resolve("asked");
    };
    process.once("SIGINT", onInterrupt);
    release = () => process.off("SIGINT", onInterrupt);
  });
  return { asked, release: () => release() };
}

const interrupted = ({ id }: RunInfo) =>
  new LabError(
    "interrupted",
    `run ${id} has no driver any more: "stratolab runs attach ${id} --drive" goes on with it`,
  );
