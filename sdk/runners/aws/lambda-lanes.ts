import { classifyInvokeError, classifyLambdaError } from "../../core/classify-lambda.ts";
import type { FeedShards } from "../../core/feed-shards.ts";
import { LAMBDA } from "../../core/limits.ts";
import { sendLetter } from "../../stores/inbox.ts";
import type { Stores } from "../../stores/stores.ts";
import type { Assignment } from "../../wire/attempt.ts";
import type { FeedEvent } from "../../wire/feed.ts";
import { invocationInbox } from "../../wire/keys.ts";
import type { Failure, SharedFailure } from "../../wire/outcome.ts";
import type { FunctionOutput } from "../../wire/stack-outputs.ts";
import type { AnswerOrder, BilledSpan, DispatchOrder, HandOver, KillOrder, RunnerEvent } from "../runner.ts";
import { factsOf } from "./aws-errors.ts";
import { committedOf, committedReports } from "./committed.ts";
import type { Lambda } from "./lambda-client.ts";

/** Work that is expected to last no longer is awaited on a socket, in milliseconds. */
const AWAITED_MAX_MS = 240_000;
/** An invocation that nobody awaits and that says nothing for this long is looked for, in milliseconds. */
const SILENCE_MS = 60_000;
/** How long Lambda may keep an event before it starts, in milliseconds. */
const QUEUED_MAX_MS = 900_000;
const SWEEP_EVERY_MS = 5_000;

/** An invocation whose outcome comes through the feed. */
interface Unawaited {
  readonly order: DispatchOrder;
  readonly since: number;
  lastHeard: number;
  hasBegun: boolean;
  readonly open: Set<number>;
}

interface LambdaLanesOptions {
  readonly lambda: Lambda;
  readonly functions: readonly FunctionOutput[];
  readonly stores: Stores;
  /** Name of the lab's feed. */
  readonly feed: string;
  readonly shards: FeedShards;
  report(event: RunnerEvent): void;
  /** There is something to hear in the feed soon. */
  listen(): void;
  /** Reads what is in the feed by now. */
  catchUp(): Promise<void>;
}

/** Attempts on Lambda: short ones awaited on a socket, long ones followed in the feed. */
export class LambdaLanes {
  readonly #options: LambdaLanesOptions;
  /** Functions of each size; which of them takes an invocation is the scheduler's choice. */
  readonly #functions: ReadonlyMap<number, readonly string[]>;
  readonly #unawaited = new Map<string, Unawaited>();
  /** Invocations being awaited, and since when; 0 where the feed is listened to from the beginning. */
  readonly #awaited = new Map<string, number>();
  /** Invocations that this driver has left to another one. */
  readonly #abandoned = new Set<string>();
  /** The shard of the feed in which each invocation tells what happens. */
  readonly #feedShards = new Map<string, number>();
  /** Letters written to invocations. */
  #letters = 0;
  #sweeper: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: LambdaLanesOptions) {
    this.#options = options;
    this.#functions = functionsBySize(options.functions);
  }

  /** Whether the feed has something to tell of invocations: log lines of awaited ones, or all of the others. */
  get needsFeed(): boolean {
    if (this.#unawaited.size > 0) return true;
    const now = Date.now();
    for (const since of this.#awaited.values()) if (now - since > 1_000) return true;
    return false;
  }

  dispatch(order: DispatchOrder): void {
    const { lane, copy = 0 } = order;
    const functionName = (this.#functions.get(lane.memoryMb as number) as readonly string[])[copy];
    const { feed: name, shards } = this.#options;
    const shard = shards.assign();
    this.#feedShards.set(order.assignment.id, shard);
    const feed = { name, shards: 1 as const, shard };
    if (isAwaited(order)) void this.#invoke(functionName, { ...order, assignment: { ...order.assignment, feed } });
    else void this.#invokeLater(functionName, { ...order, assignment: { ...order.assignment, feed, awaited: false } });
  }

  /** The shard of the feed in which an invocation tells what happens. */
  feedShardOf(assignment: string): number | undefined {
    return this.#feedShards.get(assignment);
  }

  #leaveShard(assignment: string): void {
    const shard = this.#feedShards.get(assignment);
    if (shard === undefined || this.#awaited.has(assignment) || this.#unawaited.has(assignment)) return;
    this.#feedShards.delete(assignment);
    this.#options.shards.leave(shard, Date.now());
  }

  #forget(assignment: string): void {
    this.#unawaited.delete(assignment);
    this.#leaveShard(assignment);
  }

  /** Whether what becomes of an invocation is heard in the feed alone. */
  isFollowed(assignment: string): boolean {
    return this.#unawaited.has(assignment);
  }

  /** Has Lambda start a driver that goes on with a run. */
  startDriver(functionName: string, run: HandOver): Promise<void> {
    return this.#options.lambda.startDriver(functionName, run);
  }

  /** Tells an invocation that some of its tasks are to end; it looks once a second. */
  kill({ assignment, runId, tasks, graceMs }: KillOrder): void {
    if (!this.#awaited.has(assignment) && !this.#unawaited.has(assignment)) return;
    const { stores, feed } = this.#options;
    const letter = { type: "cancel", runId, assignment, tasks, graceMs } as const;
    // A letter that is lost leaves the attempt to its end: its result is kept, and nobody waits for it.
    sendLetter(stores, invocationInbox(feed, assignment), ++this.#letters, letter).catch(() => {});
  }

  /** Answers an invocation; it looks soon after it has asked, and once a second later on. */
  answer({ assignment, answer }: AnswerOrder): void {
    const { stores, feed } = this.#options;
    const letter = { type: "answer", assignment, answer } as const;
    sendLetter(stores, invocationInbox(feed, assignment), ++this.#letters, letter).catch((error) => {
      // Whoever waits for it would wait for ever.
      const { kind, seen } = classifyInvokeError(factsOf(error));
      this.#options.report({ type: "assignment-failed", assignment, failure: { kind, seen } });
    });
  }

  async #invoke(functionName: string, order: DispatchOrder): Promise<void> {
    const { assignment } = order;
    const { lambda } = this.#options;
    this.#awaited.set(assignment.id, order.runsTasks ? 0 : Date.now());
    // Log lines of what takes longer than a moment come through the feed, and what it asks for.
    const listening = setTimeout(() => this.#options.listen(), order.runsTasks ? 0 : 1_100);
    try {
      const answer = await lambda.invoke(functionName, assignment);
      // A driver that knows the outcome may leave: what was logged comes first.
      if (answer.kind === "result" && answer.result.toldInFeed) await this.#options.catchUp();
      if (this.#closed || this.#abandoned.has(assignment.id)) return;
      switch (answer.kind) {
        case "result": {
          const { executor, logs, reports, broken, atServiceLimit, billed } = answer.result;
          for (const line of logs) this.#options.report({ type: "log", executor, ...line });
          reports.forEach((report, position) => {
            // The last one bears what the invocation took after it.
            const isLast = position === reports.length - 1 && !broken;
            const span = billed && { billed: isLast ? billed : { from: billed.from } };
            this.#options.report({ type: "outcome", assignment: assignment.id, executor, ...report, ...span });
          });
          if (broken) this.#fail(assignment, { ...broken, executor }, atServiceLimit ?? false, billed);
          break;
        }
        case "function-error": {
          const { kind, seen, atServiceLimit } = classifyLambdaError(answer);
          await this.#failUnlessCommitted(assignment, { kind, seen }, atServiceLimit ?? false);
          break;
        }
        case "no-answer":
          // It may still run: from here on it is followed like one that was never awaited.
          this.#follow(order, true);
      }
    } catch (error) {
      if (this.#closed || this.#abandoned.has(assignment.id)) return;
      const { kind, seen, mayHaveRun } = classifyInvokeError(invokeErrorOf(error));
      if (mayHaveRun) await this.#failUnlessCommitted(assignment, { kind, seen }, false);
      else this.#fail(assignment, { kind, seen }, false);
    } finally {
      clearTimeout(listening);
      this.#awaited.delete(assignment.id);
      this.#leaveShard(assignment.id);
    }
  }

  async #invokeLater(functionName: string, order: DispatchOrder): Promise<void> {
    this.#follow(order, false);
    try {
      await this.#options.lambda.invokeLater(functionName, order.assignment);
    } catch (error) {
      const { kind, seen, mayHaveRun } = classifyInvokeError(invokeErrorOf(error));
      // A lost answer is no proof that nothing was queued; then the feed will tell.
      if (mayHaveRun || this.#closed) return;
      this.#forget(order.assignment.id);
      this.#fail(order.assignment, { kind, seen }, false);
    }
  }

  #follow(order: DispatchOrder, hasBegun: boolean): void {
    const now = Date.now();
    const open = new Set(order.assignment.attempts.map(({ task }) => task));
    this.#unawaited.set(order.assignment.id, { order, since: now, lastHeard: now, hasBegun, open });
    this.#options.listen();
    this.#sweeper ??= setInterval(() => void this.#sweep(), SWEEP_EVERY_MS).unref();
  }

  /** Forgets an invocation: whoever drives its run next waits for it. */
  abandon(assignment: string): void {
    this.#forget(assignment);
    this.#abandoned.add(assignment);
  }

  /** Something was told in the feed; true if it was about an invocation. */
  hear(executor: string, event: FeedEvent): boolean {
    if (event.type !== "beat" && event.type !== "outcomes" && event.type !== "broken") return false;
    const ids = event.type === "beat" ? event.assignments : [event.assignment];
    const followed = ids.map((id) => this.#unawaited.get(id)).filter((each) => each !== undefined);
    for (const each of followed) {
      each.lastHeard = Date.now();
      each.hasBegun = true;
    }
    if (event.type === "beat") return followed.length > 0;
    const [unawaited] = followed;
    if (!unawaited) return false;
    const { id } = unawaited.order.assignment;
    if (event.type === "outcomes") {
      for (const report of event.reports) {
        for (const { task } of report.goesOnWith ?? []) unawaited.open.add(task);
        unawaited.open.delete(report.task);
        this.#options.report({ type: "outcome", assignment: id, executor, ...report });
      }
      if (unawaited.open.size === 0) this.#forget(id);
    } else {
      this.#forget(id);
      this.#fail(unawaited.order.assignment, { ...event.failure, executor }, event.atServiceLimit ?? false);
    }
    return true;
  }

  /** Looks for invocations that should have said something by now. */
  async #sweep(): Promise<void> {
    const now = Date.now();
    for (const [id, unawaited] of this.#unawaited) {
      const { order, since, lastHeard, hasBegun } = unawaited;
      const patienceMs = hasBegun ? SILENCE_MS : QUEUED_MAX_MS;
      if (now - lastHeard < patienceMs && now - since < LAMBDA.maxTimeoutMs + QUEUED_MAX_MS) continue;
      this.#forget(id);
      const seen = hasBegun ? "the invocation has said nothing for a minute" : "the invocation did not begin";
      await this.#failUnlessCommitted(order.assignment, { kind: "executor-lost", seen }, false);
    }
  }

  /** What was committed is done, whatever was heard of the invocation. */
  async #failUnlessCommitted(assignment: Assignment, failure: Failure, atServiceLimit: boolean): Promise<void> {
    const found = await committedOf(this.#options.stores.table, assignment).catch((): undefined[] => []);
    for (const report of committedReports(assignment, found)) {
      this.#options.report({ type: "outcome", assignment: assignment.id, ...report });
    }
    this.#fail(assignment, failure, atServiceLimit);
  }

  #fail(assignment: Assignment, failure: SharedFailure, atServiceLimit: boolean, billed?: BilledSpan): void {
    this.#options.report({
      type: "assignment-failed",
      assignment: assignment.id,
      failure,
      ...(atServiceLimit ? { atServiceLimit: true } : {}),
      ...(billed ? { billed } : {}),
    });
  }

  close(): void {
    this.#closed = true;
    clearInterval(this.#sweeper);
    this.#options.lambda.close();
  }
}

/** Names of the identical functions of each memory size. */
export function functionsBySize(functions: readonly FunctionOutput[]): ReadonlyMap<number, readonly string[]> {
  const bySize = new Map<number, string[]>();
  for (const { name, memoryMb } of functions) bySize.set(memoryMb, [...(bySize.get(memoryMb) ?? []), name]);
  return bySize;
}

/** Whether the answer can be awaited on a socket: only as long as sockets can be trusted. */
function isAwaited({ assignment, expectedMs }: DispatchOrder): boolean {
  if (expectedMs !== undefined) return expectedMs <= AWAITED_MAX_MS;
  const bounds = assignment.attempts.map(({ resources }) => resources.timeoutMs ?? 0);
  return bounds.reduce((sum, bound) => sum + bound, 0) <= AWAITED_MAX_MS;
}

function invokeErrorOf(error: unknown) {
  const { Reason: reason } = error as { Reason?: string };
  return { ...factsOf(error), reason };
}
