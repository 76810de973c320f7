import type { TasksOf } from "../../localstack/proxy/counts.ts";
import { readPayload } from "../../sdk/wire/invocation.ts";
import { RESULT_PREFIX } from "../../sdk/wire/keys.ts";

/** A result that lies in S3, by its path: `sdk/wire/keys.ts` says how it is made. */
const RESULT_OBJECT = /\/results\/[^/]+\/([^/?]+)-[0-9a-f]{16}(?:\?|$)/;
/** Of packs the key says a task type only. */
const RESULT_KEYS = new RegExp(`"${RESULT_PREFIX}([^"!][^"]*)"`, "g");

/**
 * The tasks that a request is about, by cache key: those that an invocation executes, and those whose
 * results are read or written under their own keys. The local AWS itself knows nothing of what is in a payload.
 */
export const tasksOf: TasksOf = ({ operation, body, path }) => {
  if (operation === "lambda:Invoke") {
    const payload = JSON.parse(body.toString("utf8"));
    // The driver function is told of a run, and of no tasks.
    return "runId" in payload ? [] : readPayload(payload).attempts.map(({ key }) => key);
  }
  if (operation.startsWith("s3:")) return RESULT_OBJECT.exec(decodeURIComponent(path))?.slice(1) ?? [];
  if (!operation.startsWith("dynamodb:")) return [];
  return [...body.toString("utf8").matchAll(RESULT_KEYS)].map(([, key]) => key!);
};
