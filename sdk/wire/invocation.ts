import { pack, unpack } from "msgpackr";
import type { Assignment } from "./attempt.ts";
import type { FanIn } from "./fan-in.ts";
import type { WireLogLine } from "./feed.ts";
import type { Outcome, SharedFailure } from "./outcome.ts";
import { PROTOCOL_VERSION } from "./protocol.ts";
import { requireSameVersion } from "./version.ts";

/** What a Lambda function is invoked with: JSON around MessagePack, since Lambda takes JSON only. */
export interface InvocationPayload {
  readonly protocol: number;
  readonly assignment: string;
}

/** How one attempt of an invocation ended. */
export interface AttemptReport {
  readonly task: number;
  readonly attempt: number;
  readonly outcome: Outcome;
  /** Fan-ins that it has brought the last input of: its executor goes on with them. Of one of these: itself, too. */
  readonly goesOnWith?: readonly FanIn[];
}

/** What an invocation came to. */
export interface InvocationResult {
  /** Environment that it ran in, for evidence. */
  readonly executor: string;
  readonly reports: readonly AttemptReport[];
  /** Why the attempts without a report have none. */
  readonly broken?: SharedFailure;
  /** Its own time, a cold start included, in milliseconds since the epoch: what Lambda charges for. */
  readonly billed?: { readonly from: number; readonly until: number };
  /** The service's own limit cut it. */
  readonly atServiceLimit?: true;
  /** Log lines that were not told before. */
  readonly logs: readonly WireLogLine[];
  /** Earlier ones lie in the feed, and nowhere else. */
  readonly toldInFeed?: true;
}

export function toPayload(assignment: Assignment): InvocationPayload {
  return { protocol: PROTOCOL_VERSION, assignment: Buffer.from(pack(assignment)).toString("base64") };
}

/** @throws LabError when the driver speaks another version. */
export function readPayload(payload: InvocationPayload): Assignment {
  requireSameVersion("the driver", "the stack that it invoked", payload?.protocol, {
    whenNewer: 'Update the stack with "npx cdk deploy"',
    whenOlder: "Update stratolab where the script runs",
  });
  return unpack(Buffer.from(payload.assignment, "base64")) as Assignment;
}

/** What a Lambda function answers with. */
export interface InvocationResponse {
  readonly protocol: number;
  readonly result: string;
}

export function toResponse(result: InvocationResult): InvocationResponse {
  return { protocol: PROTOCOL_VERSION, result: Buffer.from(pack(result)).toString("base64") };
}

/** @throws LabError when the function speaks another version. */
export function readResponse(response: InvocationResponse): InvocationResult {
  requireSameVersion("the function", "this driver", response.protocol, {
    whenNewer: "Update stratolab to the stack's version",
    whenOlder: 'Update the stack with "npx cdk deploy"',
  });
  return unpack(Buffer.from(response.result, "base64")) as InvocationResult;
}
