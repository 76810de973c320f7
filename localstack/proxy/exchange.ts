import type { IncomingMessage, ServerResponse } from "node:http";
import { pipeline } from "node:stream/promises";
import { setTimeout as sleep } from "node:timers/promises";
import type { FaultEngine } from "../faults/engine.ts";
import type { RequestRule } from "../faults/rules.ts";
import { type Answer, errorAnswer } from "./answer.ts";
import type { AwsRequest } from "./aws-request.ts";
import type { OperationCount } from "./counts.ts";
import type { EventQueue, Invocations } from "./event-queue.ts";
import { deathAnswer, responseTooLarge } from "./function-deaths.ts";
import { invocationType, isSynchronousInvocation, judge } from "./judge.ts";
import { hiddenThrottle, requestTooLarge, serverError, throttle } from "./service-errors.ts";
import { isChargedByAnswer, moreUnitsOf } from "./units.ts";
import { passedHeaders, type ServiceAnswer, type ServiceClient } from "./upstream.ts";

/** AWS's limits on the payload of an invocation, in bytes. */
const SYNCHRONOUS_BYTES = 6_291_456;
const ASYNCHRONOUS_BYTES = 1_048_576;

/** What all exchanges share. */
export interface ExchangeContext {
  readonly engine: FaultEngine;
  readonly endpointOf: (service: string) => string;
  readonly services: ServiceClient;
  readonly invocations: Invocations;
  readonly events: EventQueue;
}

/** One request on its way to a service, and the answer on its way back. */
export class Exchange {
  readonly #message: IncomingMessage;
  readonly #request: AwsRequest;
  readonly #response: ServerResponse;
  readonly #count: OperationCount | undefined;
  readonly #context: ExchangeContext;

  /** @param count Absent for what is no service's: it is neither counted nor hit. */
  constructor(
    message: IncomingMessage,
    request: AwsRequest,
    response: ServerResponse,
    count: OperationCount | undefined,
    context: ExchangeContext,
  ) {
    this.#message = message;
    this.#request = request;
    this.#response = response;
    this.#count = count;
    this.#context = context;
  }

  /** Carries the request out, or commits the fault that hits it. */
  async run(): Promise<void> {
    if (!this.#count) return this.#pass(await this.#deliver());
    const { delayMs, rule } = judge(this.#context.engine.book, this.#request);
    if (delayMs > 0) {
      this.#note("latency");
      await sleep(delayMs);
    }
    const refused = this.#beyondLimits();
    if (refused) return this.#give(refused);
    if (!rule) return this.#pass(await this.#deliver());
    this.#note(rule.fault);
    await this.#commit(rule);
  }

  async #commit(rule: RequestRule): Promise<void> {
    const { service, operation, protocol } = this.#request;
    switch (rule.fault) {
      case "throttle":
        return this.#give(
          errorAnswer(protocol, rule.hidden ? hiddenThrottle(service, operation) : throttle(service, rule.reason)),
        );
      case "server-error":
        return this.#give(errorAnswer(protocol, serverError(service, rule.status ?? 500)));
      case "reset-before":
        return this.#reset();
      case "lost-answer":
        await (await this.#deliver()).body.dump();
        return this.#reset();
      case "function-error":
        if (rule.ran) await (await this.#deliver()).body.dump();
        return this.#give(deathAnswer(rule.death ?? "out-of-memory"));
      case "duplicate": {
        const first = this.#deliver();
        const second = sleep(rule.delayMs ?? 0).then(() => this.#deliver());
        const [shown, dropped] = rule.answer === "second" ? [second, first] : [first, second];
        dropped.then(({ body }) => body.dump()).catch(() => {});
        return this.#pass(await shown);
      }
      default:
        return this.#pass(await this.#deliver());
    }
  }

  /** What AWS refuses and the emulator would take. */
  #beyondLimits(): Answer | undefined {
    const type = invocationType(this.#request);
    if (type === undefined) return undefined;
    const { limits } = this.#context.engine.book;
    const invokeBytes = type === "Event" ? ASYNCHRONOUS_BYTES : (limits.invokeBytes ?? SYNCHRONOUS_BYTES);
    if (this.#request.body.length > invokeBytes) {
      this.#note("payload-limit");
      return errorAnswer("rest-json", requestTooLarge(invokeBytes));
    }
    if (type !== "RequestResponse" || this.#context.invocations.running < this.#concurrent()) return undefined;
    this.#note("concurrency-limit");
    return errorAnswer("rest-json", throttle("lambda", "ConcurrentInvocationLimitExceeded"));
  }

  /** How many invocations may run at once, beside what the emulator itself allows. */
  #concurrent(): number {
    return this.#context.engine.book.limits.concurrentInvocations ?? Number.POSITIVE_INFINITY;
  }

  /** Has the service carry the request out. It does so to the end, even when the caller leaves. */
  async #deliver(): Promise<ServiceAnswer> {
    if (this.#count) this.#count.delivered += 1;
    const { invocations, events, services, endpointOf } = this.#context;
    const endpoint = endpointOf(this.#request.service);
    if (invocationType(this.#request) === "Event") {
      return events.accept(endpoint, this.#message, this.#request, () => this.#concurrent());
    }
    const isInvocation = isSynchronousInvocation(this.#request);
    if (isInvocation) invocations.running += 1;
    try {
      return await services.send(endpoint, this.#message, this.#request.body);
    } finally {
      if (isInvocation) invocations.running -= 1;
    }
  }

  async #pass({ statusCode, headers, body }: ServiceAnswer): Promise<void> {
    if (statusCode >= 400) this.#fail();
    if (isSynchronousInvocation(this.#request)) {
      const limit = this.#context.engine.book.limits.invokeBytes ?? SYNCHRONOUS_BYTES;
      if (Number(headers["content-length"] ?? 0) > limit) {
        await body.dump();
        this.#note("payload-limit");
        return this.#give(responseTooLarge(Number(headers["content-length"]), limit));
      }
    }
    this.#response.writeHead(statusCode, passedHeaders(headers));
    const count = this.#count;
    if (count) body.on("data", ({ length }: Buffer) => (count.answerBytes += length));
    const found: Buffer[] = [];
    const isCharged = count && isChargedByAnswer(this.#request.operation);
    if (isCharged) body.on("data", (piece: Buffer) => found.push(piece));
    await pipeline(body, this.#response);
    if (isCharged) count.units += moreUnitsOf(this.#request, Buffer.concat(found));
  }

  #give({ statusCode, headers, body }: Answer): void {
    if (statusCode >= 400) this.#fail();
    this.#response.writeHead(statusCode, { ...headers, "content-length": Buffer.byteLength(body) });
    this.#response.end(this.#request.method === "HEAD" ? undefined : body);
  }

  #reset(): void {
    this.#fail();
    this.#message.socket.resetAndDestroy();
  }

  #note(fault: keyof OperationCount["faults"]): void {
    if (this.#count) this.#count.faults[fault] = (this.#count.faults[fault] ?? 0) + 1;
  }

  #fail(): void {
    if (this.#count) this.#count.failed += 1;
  }
}
