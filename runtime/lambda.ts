/**
 * Entry of the Lambda functions. The handler is the supervisor; an executor process below it runs the
 * user's code, so that a crash, a blocked loop or a lack of memory there still gets an answer.
 */
import { hostname } from "node:os";
import { fileURLToPath } from "node:url";
import type { Stores } from "../sdk/stores/stores.ts";
import type { FromExecutor } from "../sdk/wire/channel.ts";
import type { WireLogLine } from "../sdk/wire/feed.ts";
import type { AttemptReport, InvocationPayload, InvocationResponse } from "../sdk/wire/invocation.ts";
import { readPayload, toResponse } from "../sdk/wire/invocation.ts";
import { ExecutorEnv } from "../sdk/wire/protocol.ts";
import { AssignmentTeller } from "./assignment-teller.ts";
import { AssignmentWork } from "./assignment-work.ts";
import { InvocationInbox } from "./invocation-inbox.ts";
import { Supervisor } from "./supervisor.ts";

/** What the handler needs of Lambda's context. */
interface LambdaContext {
  readonly awsRequestId?: string;
  getRemainingTimeInMillis(): number;
}

/** Time that is kept back before Lambda's own deadline, to end the attempt and answer, in milliseconds. */
const DEADLINE_MARGIN_MS = 3_000;

const id = `${process.env.AWS_LAMBDA_LOG_STREAM_NAME?.split("]").at(-1) || hostname()}`;
const stores = {
  kind: "aws",
  table: process.env[ExecutorEnv.table] ?? "",
  bucket: process.env[ExecutorEnv.bucket] ?? "",
} as const;
const supervisor = new Supervisor({
  id: `lambda-${id}`,
  entry: fileURLToPath(new URL("./executor.mjs", import.meta.url)),
  stores,
  memoryMb: Number(process.env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE ?? process.env[ExecutorEnv.memoryMb] ?? 512),
});
// While Lambda still initialises, CPU is free: the process below starts beside this one.
supervisor.prepare();
/** What packs and fan-ins are written with, loaded when there is one: in an environment that has none it costs nothing. */
let ownStores: Promise<Stores> | undefined;
const openOwnStores = () => {
  ownStores ??= import("../sdk/stores/stores.ts").then(({ openStores }) => openStores(stores));
  return ownStores;
};
/** How long Lambda took to get here, which it charges with the first invocation, in milliseconds. */
let initMs = performance.now();

export async function handler(payload: InvocationPayload, context: LambdaContext): Promise<InvocationResponse> {
  const from = Date.now() - initMs;
  initMs = 0;
  const assignment = readPayload(payload);
  const executor = `${id}/${context.awsRequestId ?? ""}`;
  const teller = new AssignmentTeller({
    assignment,
    executor: context.awsRequestId ?? id,
    stores,
    usage: () => supervisor.usage,
  });
  const reports: AttemptReport[] = [];
  const logs: WireLogLine[] = [];
  // While the first task runs.
  if (assignment.packed || assignment.fanIns) openOwnStores().catch(() => {});
  const listener = {
    report: (report: AttemptReport) => {
      reports.push(report);
      teller.report(report);
    },
    log: (line: WireLogLine) => {
      if (!teller.log(line)) logs.push(line);
    },
    nested: (message: FromExecutor & { type: "nested" }) => {
      teller.ask(message);
      inbox.expectAnswer();
    },
  };
  const deadline = Date.now() + context.getRemainingTimeInMillis() - DEADLINE_MARGIN_MS;
  const work = new AssignmentWork({
    assignment,
    supervisor,
    stores: openOwnStores,
    listener,
    deadline,
    mayGoOn: () => true,
  });
  const inbox = new InvocationInbox({ assignment, stores, supervisor, work });
  const end = await work.run();
  inbox.close();
  logs.push(...(await teller.finish(end)));
  const told = teller.hasToldLogs ? { toldInFeed: true as const } : {};
  return toResponse({ executor, reports, logs, ...told, billed: { from, until: Date.now() }, ...end });
}
