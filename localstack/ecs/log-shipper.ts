import type { ContainerLine } from "./events.ts";
import { AMZ_JSON, errorType } from "./upstream.ts";
import type { LogConfiguration } from "./wire.ts";

const LOGS_TARGET = "Logs_20140328";
const FLUSH_MS = 200;
const TIMEOUT_MS = 5_000;
/** PutLogEvents takes 10,000 events or 1 MiB; longer lines than this are cut, as CloudWatch does. */
const MAX_EVENTS = 500;
const MAX_LINE = 2_000;

interface Stream {
  readonly group: string;
  readonly name: string;
  readonly createGroup: boolean;
  created: boolean;
  waiting: ContainerLine[];
}

/**
 * The `awslogs` log driver: brings containers' lines to CloudWatch Logs of the emulator, in
 * batches. A failure is told once and hinders nothing.
 */
export class LogShipper {
  readonly #endpoint: string;
  readonly #region: string;
  readonly #warn: (message: string) => void;
  readonly #streams = new Map<string, Stream>();
  #warned = false;
  #timer: NodeJS.Timeout | undefined;
  #flushing: Promise<void> = Promise.resolve();

  constructor(endpoint: string, region: string, warn: (message: string) => void) {
    this.#endpoint = endpoint;
    this.#region = region;
    this.#warn = warn;
  }

  /** Takes a line of a container whose definition uses `awslogs`; ignores all others. */
  take(line: ContainerLine, container: string, taskId: string, configuration: LogConfiguration | undefined): void {
    const options = configuration?.logDriver === "awslogs" ? configuration.options : undefined;
    const group = options?.["awslogs-group"];
    if (group === undefined) return;
    const prefix = options?.["awslogs-stream-prefix"];
    const name = prefix === undefined ? taskId : `${prefix}/${container}/${taskId}`;
    const key = `${group}:${name}`;
    let stream = this.#streams.get(key);
    if (!stream) {
      stream = { group, name, createGroup: options?.["awslogs-create-group"] === "true", created: false, waiting: [] };
      this.#streams.set(key, stream);
    }
    stream.waiting.push(line);
    this.#timer ??= setTimeout(() => void this.flush(), FLUSH_MS).unref();
  }

  /** Sends what waits. */
  flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#flushing = this.#flushing.then(() => this.#send());
    return this.#flushing;
  }

  async #send(): Promise<void> {
    for (const [key, stream] of this.#streams) {
      // A stream with nothing to send has been quiet since the last time: it is opened anew at need.
      if (stream.waiting.length === 0) this.#streams.delete(key);
      while (stream.waiting.length > 0) {
        const lines = stream.waiting.splice(0, MAX_EVENTS);
        try {
          await this.#create(stream);
          await this.#call("PutLogEvents", {
            logGroupName: stream.group,
            logStreamName: stream.name,
            logEvents: lines.map(({ time, text }) => ({ timestamp: time, message: text.slice(0, MAX_LINE) || " " })),
          });
        } catch (error) {
          this.#fail(error, stream);
        }
      }
    }
  }

  async #create(stream: Stream): Promise<void> {
    if (stream.created) return;
    if (stream.createGroup) await this.#call("CreateLogGroup", { logGroupName: stream.group });
    await this.#call("CreateLogStream", { logGroupName: stream.group, logStreamName: stream.name });
    stream.created = true;
  }

  async #call(action: string, input: object): Promise<void> {
    const response = await fetch(this.#endpoint, {
      method: "POST",
      headers: {
        "content-type": AMZ_JSON,
        "x-amz-target": `${LOGS_TARGET}.${action}`,
        // Emulators take account and region from here, and check no signature.
        authorization:
          `AWS4-HMAC-SHA256 Credential=test/20260101/${this.#region}/logs/aws4_request, ` +
          "SignedHeaders=host, Signature=none",
      },
      body: JSON.stringify(input),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const body = await response.text();
    if (response.ok) return;
    const type = errorType(JSON.parse(body));
    if (type !== "ResourceAlreadyExistsException") throw new Error(type);
  }

  #fail(error: unknown, stream: Stream): void {
    if (this.#warned) return;
    this.#warned = true;
    const why = error instanceof Error ? error.message : String(error);
    this.#warn(`lines of containers are not kept in log group ${stream.group}: ${why}`);
  }
}
