import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { Command, InvalidArgumentError } from "commander";
import { renderReport } from "../../dashboard/server/report.ts";
import { RunFeed } from "../../dashboard/server/run-feed.ts";
import { DashboardServer } from "../../dashboard/server/server.ts";
import { LabError } from "../../sdk/wire/lab-error.ts";
import { ASKED_RUN, askedRun } from "../asked-run.ts";
import { type NamespaceOptions, usingStores, withNamespaceOptions } from "../store-options.ts";

interface DashboardCommandOptions extends NamespaceOptions {
  readonly port?: number;
  readonly open: boolean;
}

/** `stratolab dashboard`: the runs as a page on this machine. */
export function dashboardCommand(): Command {
  const command = new Command("dashboard")
    .description("Shows the runs in a browser, live. Only this machine can see the page. Ctrl-C ends it.")
    .option("--port <n>", "where it listens (default: any port that is free)", parsePort)
    .option("--no-open", "open no browser, only print the address");
  return withNamespaceOptions(command).action((options: DashboardCommandOptions) =>
    usingStores(options, async (stores) => {
      const { namespace, port, open, json } = options;
      const server = await DashboardServer.start({ stores, namespace, ...(port === undefined ? {} : { port }) });
      const ended = Promise.race([once(process, "SIGINT"), once(process, "SIGTERM")]);
      process.stdout.write(json ? `${JSON.stringify({ url: server.url })}\n` : `the dashboard is at ${server.url}\n`);
      if (open) openBrowser(server.url);
      await ended;
      await server.close();
    }),
  );
}

interface ReportOptions extends NamespaceOptions {
  readonly out?: string;
}

/** `stratolab report [run]`: a run as a file to send. */
export function reportCommand(): Command {
  const command = new Command("report")
    .description("Writes a run as one HTML file that can be sent and opened anywhere.")
    .argument(...ASKED_RUN)
    .option("--out <file>", "where to write it (default: <run>.html)");
  return withNamespaceOptions(command).action((asked: string | undefined, options: ReportOptions) =>
    usingStores(options, async (stores) => {
      const { namespace, json } = options;
      const { id } = await askedRun(stores, namespace, asked);
      const told = await new RunFeed(stores, namespace, id).told();
      if (!told.tasks) {
        const why = "nothing is recorded of its tasks: it has only just begun, was killed as it began, or is too old";
        throw new LabError("run-unknown", `run ${id} cannot be reported: ${why}`);
      }
      const file = resolve(options.out ?? `${id}.html`);
      const html = renderReport(told);
      await writeFile(file, html).catch((error: Error) => {
        throw new LabError("unwritable", `the report cannot be written: ${error.message}`);
      });
      const bytes = Buffer.byteLength(html);
      process.stdout.write(json ? `${JSON.stringify({ id, file, bytes })}\n` : `run ${id} is in ${file}\n`);
    }),
  );
}

function parsePort(text: string): number {
  const port = Number(text);
  if (Number.isInteger(port) && port >= 1 && port <= 65_535) return port;
  throw new InvalidArgumentError("it is a whole number from 1 to 65535.");
}

/** Where there is no browser, the address that was printed is enough. */
function openBrowser(url: string): void {
  const [program, ...args] =
    process.platform === "darwin"
      ? ["open", url]
      : process.platform === "win32"
        ? ["rundll32", "url.dll,FileProtocolHandler", url]
        : ["xdg-open", url];
  spawn(program, args, { stdio: "ignore", detached: true })
    .on("error", () => {})
    .unref();
}
