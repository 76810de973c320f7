import type { IncomingHttpHeaders } from "node:http";
import type { RequestOrigin } from "../faults/rules.ts";
import { lambdaOperation } from "./lambda-operation.ts";
import { s3Operation } from "./s3-operation.ts";

/** How a service writes its requests and errors. */
export type Protocol = "rest-json" | "aws-json" | "s3-xml" | "query-xml";

/** A request as it came. */
export interface RawRequest {
  readonly method: string;
  /** Path with the query. */
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** A request to an AWS service, understood. */
export interface AwsRequest extends RawRequest {
  readonly from: RequestOrigin;
  /** As in a signature: `lambda`, `dynamodb`, `s3`, `ecs`. */
  readonly service: string;
  /** With its service: `lambda:Invoke`. */
  readonly operation: string;
  readonly protocol: Protocol;
  /** Name of the function, bucket, table or task definition, where the request names one. */
  readonly resource: string | undefined;
}

/** Services by the prefix of `X-Amz-Target`, where a request is not signed. */
const TARGETS: readonly (readonly [RegExp, string])[] = [
  [/^DynamoDB_/, "dynamodb"],
  [/^AmazonEC2ContainerService/, "ecs"],
  [/^AmazonEC2ContainerRegistry/, "ecr"],
  [/^Logs_/, "logs"],
  [/^AmazonSSM/, "ssm"],
  [/^AWSEvents/, "events"],
  [/^TrentService/, "kms"],
];

/** Says which operation of which service a request asks for. */
export function understand(raw: RawRequest, from: RequestOrigin): AwsRequest {
  const url = new URL(raw.path, "http://localhost");
  const target = String(raw.headers["x-amz-target"] ?? "");
  const service = serviceOf(raw, url, target);
  const as = (operation: string | undefined, protocol: Protocol, resource: string | undefined): AwsRequest => ({
    ...raw,
    from,
    service,
    operation: `${service}:${operation ?? "Other"}`,
    protocol,
    resource,
  });
  if (target !== "") return as(target.split(".").pop(), "aws-json", jsonResource(raw.body));
  if (service === "lambda") {
    const { operation, functionName } = lambdaOperation(raw.method, url.pathname);
    return as(operation, "rest-json", functionName);
  }
  if (service === "s3") {
    const { operation, bucket } = s3Operation(raw.method, url, raw.headers);
    return as(operation, "s3-xml", bucket);
  }
  const action = url.searchParams.get("Action") ?? new URLSearchParams(raw.body.toString("latin1")).get("Action");
  return as(action ?? undefined, "query-xml", undefined);
}

/** `…/20260101/us-east-1/s3/aws4_request`, in the header or, of a presigned URL, in the query. */
function serviceOf({ headers }: RawRequest, url: URL, target: string): string {
  const credential =
    /Credential=([^,\s]+)/.exec(headers.authorization ?? "")?.[1] ?? url.searchParams.get("X-Amz-Credential");
  const signed = credential?.split("/").at(-2);
  if (signed) return signed;
  const named = TARGETS.find(([prefix]) => prefix.test(target))?.[1];
  if (named) return named;
  return /^\/20\d\d-\d\d-\d\d\//.test(url.pathname) ? "lambda" : "s3";
}

/** Near its begin, a JSON body names what it is about; large ones are not read to their end for that. */
function jsonResource(body: Buffer): string | undefined {
  const text = body.subarray(0, 4096).toString("utf8");
  const name = /"(?:TableName|taskDefinition|clusterName|logGroupName)"\s*:\s*"([^"]+)"/.exec(text)?.[1];
  // An ARN's last part without its revision: `…:task-definition/family:3`.
  return name?.slice(name.lastIndexOf("/") + 1).replace(/:\d+$/, "");
}
