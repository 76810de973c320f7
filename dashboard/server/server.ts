import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Stores } from "../../sdk/stores/stores.ts";
import { LabError } from "../../sdk/wire/lab-error.ts";
import { isRunId } from "../../sdk/wire/run-id.ts";
import { judge, newToken } from "./access.ts";
import { EventStream } from "./event-stream.ts";
import { pageFiles } from "./page-files.ts";
import { RunFeed } from "./run-feed.ts";
import { RunList } from "./run-list.ts";

/** How often is looked for news, in milliseconds: of a run that goes on, of one that is over, of the list. */
const LIVE_MS = 500;
const OVER_MS = 5_000;
const LIST_MS = 1_500;
/** Runs that stay in memory after the last page has left them. */
const MAX_FEEDS = 4;

/** Nothing but this server's own files, no frames, no forms; whatever slipped into the page could not run. */
const CSP =
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const HEADERS = {
  "content-security-policy": CSP,
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "cache-control": "no-store",
};

export interface DashboardOptions {
  readonly stores: Stores;
  readonly namespace: string;
  /** Default 0: any that is free. */
  readonly port?: number;
}

/** The dashboard's server: on this machine only, and only for who knows its token. */
export class DashboardServer {
  readonly #options: DashboardOptions;
  readonly #token = newToken();
  readonly #files = pageFiles();
  readonly #feeds = new Map<string, RunFeed>();
  readonly #list: RunList;
  readonly #server: Server;

  private constructor(options: DashboardOptions) {
    this.#options = options;
    this.#list = new RunList(options.stores.table, options.namespace);
    this.#server = createServer((request, response) => this.#answer(request, response));
  }

  /** @throws LabError when the port is taken. */
  static async start(options: DashboardOptions): Promise<DashboardServer> {
    const dashboard = new DashboardServer(options);
    const server = dashboard.#server;
    await new Promise<void>((resolve, reject) => {
      server.once("error", ({ code, message }: NodeJS.ErrnoException) => {
        const why = code === "EADDRINUSE" ? "is taken: give --port another one, or none for any that is free" : message;
        reject(new LabError("port-taken", `port ${options.port} ${why}`));
      });
      server.listen(options.port ?? 0, "127.0.0.1", resolve);
    });
    return dashboard;
  }

  /** Where the page is; the token is in it. */
  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/${this.#token}/`;
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    await closed;
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    for (const [name, value] of Object.entries(HEADERS)) response.setHeader(name, value);
    const { method = "", url = "", headers } = request;
    const allowed = judge({ method, url, host: headers.host ?? "" }, this.#token);
    if (typeof allowed === "number") {
      refuse(response, allowed);
      return;
    }
    const { path, query } = allowed;
    if (path.length === 0) {
      response.writeHead(308, { location: `/${this.#token}/` }).end();
      return;
    }
    const file = this.#files.get(path.join("/"));
    if (file) {
      response.writeHead(200, { "content-type": file.type, "content-length": file.body.byteLength });
      response.end(method === "HEAD" ? undefined : file.body);
      return;
    }
    const [api, runs, id, events, ...rest] = path;
    if (api !== "api" || runs !== "runs" || rest.length > 0) {
      refuse(response, 404);
      return;
    }
    const from = Number(headers["last-event-id"] ?? query.get("from") ?? 0);
    this.#answerApi(response, id, events, from).catch((error) => {
      const { kind, message } = error as { kind?: string; message: string };
      const status = kind === "unknown-run" ? 404 : 500;
      if (response.headersSent) response.end();
      else sendJson(response, status, { error: message });
    });
  }

  async #answerApi(response: ServerResponse, id: string | undefined, what: string | undefined, from: number) {
    if (id === undefined) return this.#streamList(new EventStream(response));
    if (!isRunId(id) || (what !== undefined && what !== "events")) return refuse(response, 404);
    if (!(Number.isInteger(from) && from >= 0)) return refuse(response, 400);
    const feed = this.#feedOf(id);
    if (what === undefined) return sendJson(response, 200, await feed.told());
    await feed.refresh();
    return this.#streamRun(feed, new EventStream(response), from);
  }

  #feedOf(id: string): RunFeed {
    const feed = this.#feeds.get(id) ?? new RunFeed(this.#options.stores, this.#options.namespace, id);
    // The one that was asked for last is the last to go; streams keep theirs.
    this.#feeds.delete(id);
    this.#feeds.set(id, feed);
    const [oldest] = this.#feeds.keys();
    if (this.#feeds.size > MAX_FEEDS) this.#feeds.delete(oldest);
    return feed;
  }

  async #streamList(stream: EventStream): Promise<void> {
    let last = "";
    while (stream.isOpen) {
      await whileOpen(stream, async () => {
        const runs = await this.#list.read();
        const text = JSON.stringify(runs);
        if (text !== last) stream.send("runs", runs);
        last = text;
      });
      await stream.pause(LIST_MS);
    }
  }

  async #streamRun(feed: RunFeed, stream: EventStream, from: number): Promise<void> {
    let told = from;
    let last = "";
    while (stream.isOpen) {
      let pauseMs = LIVE_MS;
      await whileOpen(stream, async () => {
        const run = await feed.refresh();
        if (run.status !== "running") pauseMs = OVER_MS;
        const text = JSON.stringify(run);
        if (text === last && (told >= feed.events.length || !feed.hasTasks)) return;
        const events = feed.hasTasks ? feed.events.slice(told) : [];
        told += events.length;
        last = text;
        stream.send("news", { run, events, hasTasks: feed.hasTasks }, told);
      });
      await stream.pause(pauseMs);
    }
  }
}

/** What cannot be read now is told, and tried again; a run that is forgotten ends its stream. */
async function whileOpen(stream: EventStream, read: () => Promise<void>): Promise<void> {
  try {
    await read();
  } catch (error) {
    const { kind, message } = error as { kind?: string; message: string };
    stream.send("trouble", { error: message, isGone: kind === "unknown-run" });
    if (kind === "unknown-run") stream.close();
  }
}

const WORDS = { 400: "bad request", 403: "forbidden", 404: "not found", 405: "method not allowed" } as const;

function refuse(response: ServerResponse, status: keyof typeof WORDS): void {
  response.writeHead(status, { "content-type": "text/plain; charset=utf-8" });
  response.end(`${WORDS[status]}\n`);
}

function sendJson(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { "content-type": "application/json; charset=utf-8" });
  response.end(JSON.stringify(value));
}
