import { Command, InvalidArgumentError, Option } from "commander";
import { LineFolder } from "../../sdk/history/fold-lines.ts";
import { readLog } from "../../sdk/history/follow-log.ts";
import { LOG_LEVELS, type LogFilter, type RunLogLine } from "../../sdk/history/log-lines.ts";
import { harmless, oneLine } from "../../sdk/progress/text.ts";
import { ASKED_RUN, askedRun } from "../asked-run.ts";
import { toJson } from "../print.ts";
import { type NamespaceOptions, usingStores, withNamespaceOptions } from "../store-options.ts";

interface LogsOptions extends NamespaceOptions, Omit<LogFilter, "task"> {
  readonly follow?: true;
  readonly dedupe?: true;
}

/** A line, and how often it was said if it is told once for all. */
type TellableLine = RunLogLine & { readonly count?: number; readonly tasks?: number };

const HELP = `
A line is time (UTC), task, attempt and text; before a task stands the one that runs it, if one does; tasks whose text would be too long to read are told by name and number.`;
/** Longer texts of tasks are told by name and number. */
const LONGEST_TASK = 60;
/** What is told once waits this long for more of its kind while a run is followed, in milliseconds. */
const DEDUPE_MS = 5_000;

/** `stratolab logs [run] [task]`: what the tasks of a run have logged. */
export function logsCommand(): Command {
  const command = new Command("logs")
    .description("Shows the log lines of a run, or of some of its tasks.")
    .argument(...ASKED_RUN)
    .argument("[task]", "only of this task: its name, its number in the run, or a part of its text")
    .option("--follow", "go on while the run does")
    .option("--attempt <n>", "only of attempts of this number", parseAttempt)
    .addOption(new Option("--level <level>", "only lines of this level and above").choices(LOG_LEVELS))
    .option("--dedupe", "tell lines that say the same once, with their number")
    .addHelpText("after", HELP);
  return withNamespaceOptions(command, "print a JSON object a line").action(
    (asked: string | undefined, task: string | undefined, options: LogsOptions) =>
      usingStores(options, async (stores) => {
        const { namespace, follow = false, attempt, level, dedupe, json } = options;
        const { id: run } = await askedRun(stores, namespace, asked);
        const filter = {
          ...(task === undefined ? {} : { task }),
          ...(attempt === undefined ? {} : { attempt }),
          ...(level === undefined ? {} : { level }),
        };
        // A reader that has seen enough, such as head, is no failure.
        process.stdout.on("error", () => process.exit(0));
        const folder = new LineFolder();
        for await (const lines of readLog(stores, namespace, run, { ...filter, follow })) {
          if (!dedupe) tell(lines, json);
          else tell([...lines.flatMap((line) => folder.add(line)), ...folder.flush(Date.now() - DEDUPE_MS)], json);
        }
        tell(folder.flush(), json);
      }),
  );
}

function tell(lines: readonly TellableLine[], json: true | undefined): void {
  if (lines.length === 0) return;
  process.stdout.write(`${lines.map((line) => (json ? toJson(line) : described(line))).join("\n")}\n`);
}

function described(line: TellableLine): string {
  const { at, level, text, task, name, position, parent, attempt, count = 1, tasks = 1 } = line;
  const time = new Date(at).toISOString().slice(0, 23).replace("T", " ");
  // What is behind a line end cannot be mistaken for a line of its own.
  const shown = `${level === "info" ? "" : `${level}: `}${harmless(text).replaceAll("\n", "\n    ")}`;
  const times = count > 1 ? ` (${count} times${tasks > 1 ? `, in ${tasks} tasks` : ""})` : "";
  if (task === undefined) return `${time} ${shown}${times}`;
  const label = task.length > LONGEST_TASK ? `${name} #${position}` : oneLine(task);
  const ranBy = parent === undefined ? "" : `${parent.name} #${parent.position} > `;
  return `${time} ${ranBy}${label} [${attempt}] ${shown}${times}`;
}

function parseAttempt(text: string): number {
  const attempt = Number(text);
  if (Number.isInteger(attempt) && attempt >= 1) return attempt;
  throw new InvalidArgumentError("it is a whole number, at least 1.");
}
