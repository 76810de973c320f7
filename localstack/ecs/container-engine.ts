import { Agent, type Dispatcher } from "undici";

/** Version of the Engine API, which Docker 20.10 and later and Podman speak. */
const API = "/v1.41";
const PING_TIMEOUT_MS = 2_000;

/** An answer of the engine that is no success. */
export class EngineError extends Error {
  override readonly name = "EngineError";
  readonly statusCode: number;

  constructor(statusCode: number, message: string) {
    super(message);
    this.statusCode = statusCode;
  }
}

/** A container engine over its HTTP API: Docker, or Podman's socket. */
export class ContainerEngine {
  /** As in `DOCKER_HOST`. */
  readonly address: string;
  readonly #agent: Agent;
  readonly #origin: string;

  constructor(address = process.env.DOCKER_HOST || "unix:///var/run/docker.sock") {
    this.address = address;
    const socketPath = address.startsWith("unix://") ? address.slice("unix://".length) : undefined;
    this.#origin = socketPath === undefined ? address.replace(/^tcp:/, "http:") : "http://engine";
    // What is followed, a container's output or its end, may be quiet for hours.
    this.#agent = new Agent({ headersTimeout: 0, bodyTimeout: 0, ...(socketPath && { connect: { socketPath } }) });
  }

  /** Whether an engine answers at all. */
  async answers(): Promise<boolean> {
    try {
      const { statusCode, body } = await this.#agent.request({
        origin: this.#origin,
        path: "/_ping",
        method: "GET",
        signal: AbortSignal.timeout(PING_TIMEOUT_MS),
      });
      await body.dump();
      return statusCode === 200;
    } catch {
      return false;
    }
  }

  /** Asks for JSON. @throws EngineError */
  async ask<T = unknown>(method: Dispatcher.HttpMethod, path: string, input?: object): Promise<T> {
    const body = await this.follow(method, path, input);
    const text = await body.text();
    return (text === "" ? undefined : JSON.parse(text)) as T;
  }

  /** The answer as it comes. @throws EngineError */
  async follow(
    method: Dispatcher.HttpMethod,
    path: string,
    input?: object | Buffer,
  ): Promise<Dispatcher.ResponseData["body"]> {
    const isBytes = Buffer.isBuffer(input);
    const { statusCode, body } = await this.#agent.request({
      origin: this.#origin,
      path: API + path,
      method,
      headers: input === undefined ? {} : { "content-type": isBytes ? "application/x-tar" : "application/json" },
      body: input === undefined ? null : isBytes ? input : JSON.stringify(input),
    });
    if (statusCode < 400) return body;
    const text = await body.text();
    throw new EngineError(statusCode, messageOf(text));
  }

  /** Ends and removes every container with this label. */
  async removeLabelled(label: string): Promise<void> {
    const filters = encodeURIComponent(JSON.stringify({ label: [label] }));
    const containers = await this.ask<{ Id: string }[]>("GET", `/containers/json?all=true&filters=${filters}`);
    await Promise.all(
      containers.map(({ Id }) => this.ask("DELETE", `/containers/${Id}?force=true&v=true`).catch(() => {})),
    );
  }

  close(): Promise<void> {
    return this.#agent.destroy();
  }
}

function messageOf(text: string): string {
  try {
    return (JSON.parse(text) as { message?: string }).message ?? text;
  } catch {
    return text;
  }
}
