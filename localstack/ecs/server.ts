import { randomUUID } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { LOOPBACK, portError } from "../processes/port.ts";
import { PassedOn, type StandInState } from "./action.ts";
import { findAction } from "./actions.ts";
import { EcsError } from "./ecs-error.ts";
import type { MetadataEndpoint } from "./metadata.ts";
import { AMZ_JSON, ECS_TARGET, errorType, type RawAnswer } from "./upstream.ts";

/** Types by which emulators say that they do not know an action. */
const UNKNOWN_ACTION = ["InvalidAction", "UnknownOperationException", "InternalFailure", "NotImplemented"];

/** Listens on loopback for the ECS API (AWS JSON 1.1) and for the containers' metadata. */
export function serve(state: StandInState, metadata: MetadataEndpoint, port: number): Promise<Server> {
  const server = createServer((request, response) => {
    answer(request, state, metadata)
      .catch(errorAnswer)
      .then(({ statusCode, headers, body }) => send(response, statusCode, headers, body));
  });
  // As AWS's own: longer than clients keep an idle connection, so that none is closed in use.
  server.keepAliveTimeout = 75_000;
  return new Promise((resolve, reject) => {
    server.once("error", (error) => reject(portError(error, port, "--ecs-port")));
    server.listen(port, LOOPBACK, () => resolve(server));
  });
}

/** Where a server listens. */
export const endpointOf = (server: Server): string => `http://${LOOPBACK}:${(server.address() as AddressInfo).port}`;

async function answer(request: IncomingMessage, state: StandInState, metadata: MetadataEndpoint): Promise<RawAnswer> {
  const path = request.url ?? "/";
  if (request.method === "GET") {
    const document = metadata.document(path);
    return json(document ? 200 : 404, document ?? { message: `nothing at ${path}` }, "application/json");
  }
  const [service, name = ""] = String(request.headers["x-amz-target"] ?? "").split(".");
  const body = await readBody(request);
  if (service !== ECS_TARGET) {
    throw new EcsError("InvalidAction", "This is the ECS stand-in: it answers only the ECS API, as AWS JSON 1.1.");
  }
  const forward = () => state.upstream.forward(request.headers, body);
  const input = parseInput(body);
  const fault = state.faults.onCall?.(name, input);
  if (fault) throw fault;
  const action = findAction(name);
  if (!action) return passOn(name, await forward());
  const output = await action({ input, headers: request.headers, forward, state });
  return output instanceof PassedOn ? output.answer : json(200, output);
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks).toString("utf8");
}

function parseInput(body: string): object {
  try {
    const input: unknown = JSON.parse(body || "{}");
    if (typeof input === "object" && input !== null) return input;
  } catch {
    // Falls through to the same error as a body of another type.
  }
  throw new EcsError("SerializationException", "The body of the request is not a JSON object.");
}

function passOn(action: string, raw: RawAnswer): RawAnswer {
  if (raw.statusCode < 400 || !UNKNOWN_ACTION.includes(typeOf(raw.body))) return raw;
  throw new EcsError(
    "InvalidAction",
    `Neither the ECS stand-in nor the emulator behind it knows the action ${action}. ` +
      "The stand-in's own actions are in localstack/ecs/actions.",
  );
}

function typeOf(body: string): string {
  try {
    return errorType(JSON.parse(body));
  } catch {
    return "InternalFailure";
  }
}

function errorAnswer(error: unknown): RawAnswer {
  const known =
    error instanceof EcsError
      ? error
      : new EcsError("ServerException", error instanceof Error ? error.message : String(error));
  return json(known.statusCode, { __type: known.type, message: known.message, ...known.members });
}

const json = (statusCode: number, body: object, contentType = AMZ_JSON): RawAnswer => ({
  statusCode,
  headers: { "content-type": contentType },
  body: JSON.stringify(body),
});

function send(response: ServerResponse, statusCode: number, headers: Record<string, string>, body: string): void {
  const requestId = randomUUID();
  response.writeHead(statusCode, {
    ...headers,
    "x-amzn-requestid": requestId,
    "content-length": Buffer.byteLength(body),
  });
  response.end(body);
}
