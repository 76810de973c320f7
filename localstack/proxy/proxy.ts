import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { FaultEngine } from "../faults/engine.ts";
import type { RequestOrigin } from "../faults/rules.ts";
import { LOOPBACK, portError } from "../processes/port.ts";
import { ADMIN_PREFIX, administer } from "./admin.ts";
import { understand } from "./aws-request.ts";
import { Counter, type TasksOf, tasksOfClientContext } from "./counts.ts";
import { EventQueue } from "./event-queue.ts";
import { Exchange, type ExchangeContext } from "./exchange.ts";
import { ServiceClient } from "./upstream.ts";

/** What {@link startProxy} needs. */
export interface ProxyOptions {
  /** Where programs on this machine ask. 0 for a free port. */
  readonly port: number;
  readonly engine: FaultEngine;
  /** Where a service listens. Asked for every request. */
  readonly endpointOf: (service: string) => string;
  /** Which tasks a request is about. @default those that its client context names */
  readonly tasksOf?: TasksOf | undefined;
}

/** A running proxy. It listens twice, so that it can tell programs on this machine from executors. */
export interface FaultProxy {
  readonly endpoint: string;
  /** For what runs inside Lambda and ECS. */
  readonly executorEndpoint: string;
  stop(): Promise<void>;
}

/**
 * Starts the proxy in front of all services: it commits the faults of the engine's plan, keeps AWS's
 * limits, and counts.
 */
export async function startProxy({ port, engine, endpointOf, tasksOf }: ProxyOptions): Promise<FaultProxy> {
  const services = new ServiceClient();
  const invocations = { running: 0 };
  const context: ExchangeContext & { counter: Counter } = {
    engine,
    endpointOf,
    services,
    counter: new Counter(tasksOf ?? tasksOfClientContext),
    invocations,
    events: new EventQueue(services, invocations),
  };
  const listenAs = (from: RequestOrigin, at: number) =>
    listen((request, response) => void answer(request, response, from, context), at);
  const driverServer = await listenAs("driver", port);
  const executorServer = await listenAs("executors", 0);
  return {
    endpoint: endpointOfServer(driverServer),
    executorEndpoint: endpointOfServer(executorServer),
    async stop() {
      for (const server of [driverServer, executorServer]) {
        server.close();
        server.closeAllConnections();
      }
      context.events.close();
      await services.close();
    },
  };
}

async function answer(
  message: IncomingMessage,
  response: ServerResponse,
  from: RequestOrigin,
  context: ExchangeContext & { counter: Counter },
): Promise<void> {
  try {
    const body = await readBody(message);
    const path = message.url ?? "/";
    if (path.startsWith(ADMIN_PREFIX)) return administer(message, body, response, context);
    const request = understand({ method: message.method ?? "GET", path, headers: message.headers, body }, from);
    // The emulator's own pages, `/_localstack/health` for one, are no service's.
    const count = path.startsWith("/_") ? undefined : context.counter.arrived(request);
    await new Exchange(message, request, response, count, context).run();
  } catch {
    // The caller or the emulator has gone: to the other, that is a connection that broke.
    message.socket.destroy();
  }
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  return chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks);
}

function listen(handler: (request: IncomingMessage, response: ServerResponse) => void, port: number): Promise<Server> {
  const server = createServer(handler);
  // As AWS's own: longer than clients keep an idle connection, so that none is closed in use.
  server.keepAliveTimeout = 75_000;
  // A large object on a slow machine is no attack.
  server.requestTimeout = 0;
  return new Promise((resolve, reject) => {
    server.once("error", (error) => reject(portError(error, port, "--port")));
    server.listen(port, LOOPBACK, () => resolve(server));
  });
}

const endpointOfServer = (server: Server): string => `http://${LOOPBACK}:${(server.address() as AddressInfo).port}`;
