import type { IncomingMessage } from "node:http";
import { Readable } from "node:stream";
import { Agent, type Dispatcher } from "undici";

/** Headers that belong to one connection or to the body's framing, not to the request. */
const HOP_HEADERS = new Set(["connection", "keep-alive", "content-length", "transfer-encoding", "expect", "upgrade"]);

/** What is delivered: a request as it came, or one that the proxy makes of it. */
export type Deliverable = Pick<IncomingMessage, "method" | "url" | "rawHeaders" | "headers">;

/** An answer of a service; its body has to be read or dumped. */
export interface ServiceAnswer {
  readonly statusCode: number;
  readonly headers: Dispatcher.ResponseData["headers"];
  readonly body: Readable & { dump(): Promise<void>; json(): Promise<unknown> };
}

/** An answer without a body, as a service would have given it. */
export const syntheticAnswer = (statusCode: number, headers: Readonly<Record<string, string>>): ServiceAnswer => ({
  statusCode,
  headers: { ...headers, "content-length": "0" },
  body: Object.assign(Readable.from([]), { dump: async () => {}, json: async () => undefined }),
});

/** The services behind the proxy. */
export class ServiceClient {
  // An invocation may take its fifteen minutes: only whoever asks may lose patience.
  readonly #agent = new Agent({ headersTimeout: 0, bodyTimeout: 0 });

  /**
   * Delivers a request as it came: method, path, headers and `Host` included, and body. So a
   * signature over them would still be good, though MiniStack verifies none.
   */
  send(endpoint: string, message: Deliverable, body: Buffer): Promise<ServiceAnswer> {
    const { rawHeaders } = message;
    const headers: string[] = [];
    for (let index = 0; index < rawHeaders.length; index += 2) {
      if (!HOP_HEADERS.has(rawHeaders[index]!.toLowerCase())) headers.push(rawHeaders[index]!, rawHeaders[index + 1]!);
    }
    return this.#agent.request({
      origin: endpoint,
      path: message.url!,
      method: message.method as Dispatcher.HttpMethod,
      headers,
      body: body.length > 0 || message.headers["content-length"] !== undefined ? body : null,
    });
  }

  close(): Promise<void> {
    return this.#agent.destroy();
  }
}

/** Headers of an answer that are passed on: all but those of its own connection. */
export const passedHeaders = (headers: ServiceAnswer["headers"]): Record<string, string | string[]> =>
  Object.fromEntries(
    Object.entries(headers).filter(
      (entry): entry is [string, string | string[]] =>
        entry[1] !== undefined && (entry[0] === "content-length" || !HOP_HEADERS.has(entry[0])),
    ),
  );
