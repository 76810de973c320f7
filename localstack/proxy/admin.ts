import type { IncomingMessage, ServerResponse } from "node:http";
import type { FaultEngine } from "../faults/engine.ts";
import { FaultPlanError } from "../faults/fault-plan-error.ts";
import type { Counter } from "./counts.ts";

/** No bucket's name may begin so: nothing of AWS is hidden by it. */
export const ADMIN_PREFIX = "/_stratolab/";

interface Administered {
  readonly engine: FaultEngine;
  readonly counter: Counter;
}

/** The faults and counts of a local AWS over HTTP, for other processes than the one that started it. */
export function administer(
  { method, url = "" }: IncomingMessage,
  body: Buffer,
  response: ServerResponse,
  { engine, counter }: Administered,
): void {
  const give = (statusCode: number, value: object) => {
    response.writeHead(statusCode, { "content-type": "application/json" });
    response.end(JSON.stringify(value));
  };
  const actions: Readonly<Record<string, () => object>> = {
    "GET faults": () => engine.state,
    "PUT faults": () => engine.set(parse(body)),
    "DELETE faults": () => engine.set({}),
    "GET counts": () => counter.counts,
    "DELETE counts": () => {
      counter.reset();
      return counter.counts;
    },
  };
  const what = `${method} ${url.slice(ADMIN_PREFIX.length)}`;
  const action = Object.hasOwn(actions, what) ? actions[what] : undefined;
  try {
    if (action) give(200, action());
    else give(404, { message: `nothing here; there are ${Object.keys(actions).join(", ")}` });
  } catch (error) {
    if (!(error instanceof FaultPlanError)) throw error;
    give(400, { message: error.message });
  }
}

function parse(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString("utf8"));
  } catch (error) {
    throw new FaultPlanError(`the fault plan is not JSON: ${(error as Error).message}`);
  }
}
