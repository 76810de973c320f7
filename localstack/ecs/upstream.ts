import type { IncomingHttpHeaders } from "node:http";
import { clientError, clusterNotFound, EcsError, invalidParameter } from "./ecs-error.ts";
import type { Cluster, Tag, TaskDefinition } from "./wire.ts";

/** Prefix of every ECS action in the header `X-Amz-Target`. */
export const ECS_TARGET = "AmazonEC2ContainerServiceV20141113";
export const AMZ_JSON = "application/x-amz-json-1.1";

/** An answer over HTTP as it is passed on. */
export interface RawAnswer {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Headers that belong to one connection or one body, not to the request. */
const HOP_HEADERS = new Set(["host", "connection", "keep-alive", "content-length", "transfer-encoding", "expect"]);

/** The emulator behind the stand-in, which keeps clusters and task definitions. */
export class Upstream {
  readonly #endpoint: string;

  constructor(endpoint: string) {
    this.#endpoint = endpoint;
  }

  /** Passes a request on as it came, and its answer back. */
  async forward(headers: IncomingHttpHeaders, body: string): Promise<RawAnswer> {
    const passed = Object.entries(headers).filter(([name]) => !HOP_HEADERS.has(name));
    const response = await fetch(this.#endpoint, {
      method: "POST",
      headers: passed.map(([name, value]): [string, string] => [name, String(value)]),
      body,
    }).catch((error: Error) => {
      throw new EcsError("ServerException", `the emulator at ${this.#endpoint} does not answer: ${error.message}`);
    });
    const contentType = response.headers.get("content-type") ?? AMZ_JSON;
    return { statusCode: response.status, headers: { "content-type": contentType }, body: await response.text() };
  }

  /** The cluster of this name or ARN, which must be there and active. */
  async cluster(headers: IncomingHttpHeaders, nameOrArn = "default"): Promise<Cluster> {
    const { clusters = [] } = await this.#call<{ clusters?: Cluster[] }>(headers, "DescribeClusters", {
      clusters: [nameOrArn],
    });
    const [cluster] = clusters;
    if (!cluster) throw clusterNotFound();
    if (cluster.status !== "ACTIVE") {
      throw new EcsError("ClusterNotFoundException", "The referenced cluster was inactive.");
    }
    return cluster;
  }

  /** The task definition of this family, `family:revision` or ARN, which must be active. */
  async taskDefinition(
    headers: IncomingHttpHeaders,
    taskDefinition: string,
  ): Promise<{ definition: TaskDefinition; tags: readonly Tag[] }> {
    const input = { taskDefinition, include: ["TAGS"] };
    const answer = await this.#call<{ taskDefinition: TaskDefinition; tags?: Tag[] }>(
      headers,
      "DescribeTaskDefinition",
      input,
    ).catch((error) => {
      throw error instanceof EcsError && error.type === "ClientException"
        ? clientError("TaskDefinition not found.")
        : error;
    });
    if (answer.taskDefinition.status === "INACTIVE") throw invalidParameter("TaskDefinition is inactive");
    return { definition: respelled(answer.taskDefinition), tags: answer.tags ?? [] };
  }

  /** Calls another action under the caller's own credentials, so that account and region stay the same. */
  async #call<T>(headers: IncomingHttpHeaders, action: string, input: object): Promise<T> {
    const { authorization } = headers;
    const answer = await this.forward(
      {
        "content-type": AMZ_JSON,
        "x-amz-target": `${ECS_TARGET}.${action}`,
        ...(authorization !== undefined && { authorization }),
      },
      JSON.stringify(input),
    );
    const body = JSON.parse(answer.body);
    if (answer.statusCode < 300) return body as T;
    throw new EcsError(errorType(body), body.message ?? body.Message ?? answer.body);
  }
}

/** What MiniStack's CloudFormation registers keeps CloudFormation's spelling in some inner places. */
const respelled = (definition: TaskDefinition): TaskDefinition => ({
  ...definition,
  containerDefinitions: definition.containerDefinitions.map(({ resourceRequirements, ...container }) => ({
    ...container,
    ...(resourceRequirements && { resourceRequirements: resourceRequirements.map(inLowerCase) }),
  })),
});

const inLowerCase = <T extends object>(members: T): T =>
  Object.fromEntries(Object.entries(members).map(([name, value]) => [name.toLowerCase(), value])) as T;

/** Type of an error's body, without the namespace that some services put before it. */
export const errorType = (body: { __type?: string }): string => body.__type?.split("#").pop() ?? "ServerException";
