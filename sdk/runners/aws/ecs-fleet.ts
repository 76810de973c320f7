import type { Task as EcsTask } from "@aws-sdk/client-ecs";
import { classifyEcsFailure, classifyEcsStop } from "../../core/classify-ecs.ts";
import { classifyInvokeError, isThrottle } from "../../core/classify-lambda.ts";
import type { FeedShards } from "../../core/feed-shards.ts";
import type { Lane } from "../../core/offer.ts";
import { sendLetter } from "../../stores/inbox.ts";
import type { Stores } from "../../stores/stores.ts";
import type { FeedEvent } from "../../wire/feed.ts";
import type { Failure } from "../../wire/outcome.ts";
import type { AnswerOrder, DispatchOrder, KillOrder, RunnerEvent } from "../runner.ts";
import { factsOf } from "./aws-errors.ts";
import { type ContainerSettings, type Ecs, RUN_TASK_MAX } from "./ecs-client.ts";

/** One ECS task that serves as an executor. */
interface Member {
  readonly id: string;
  readonly arn: string;
  readonly lane: Lane;
  /** Of the feed, where it tells what happens. */
  readonly feedShard: number;
  readonly startedAt: number;
  isReady: boolean;
  lastHeard: number;
  /** When ECS was last asked about it, and how long to wait until the next time. */
  lastAsked: number;
  patienceMs: number;
  letters: number;
  /** It is being stopped on purpose. */
  leaving: boolean;
  /** ECS is about to take it away, as it said itself. */
  terminating: boolean;
}

interface EcsFleetOptions {
  readonly ecs: Ecs;
  readonly stores: Stores;
  readonly shards: FeedShards;
  settings(): Promise<Omit<ContainerSettings, "feedShard">>;
  report(event: RunnerEvent): void;
  listen(): void;
}

/** A starting ECS task is asked about soon, then less and less often, in milliseconds. */
const FIRST_PATIENCE_MS = 2_000;
const MAX_PATIENCE_MS = 15_000;
/** A container says something every five seconds; one that does not is asked about, in milliseconds. */
const SILENCE_MS = 8_000;
/** One that runs, as ECS says, but stays silent for this long is given up, in milliseconds. */
const SILENT_MAX_MS = 90_000;
/** An image may take minutes to be pulled; then it is given up, in milliseconds. */
const START_MAX_MS = 900_000;
const SWEEP_EVERY_MS = 1_000;

const idOf = (arn: string) => arn.slice(arn.lastIndexOf("/") + 1);

/** ECS tasks as executors: started in tens, addressed through inboxes, heard in the feed. */
export class EcsFleet {
  readonly #options: EcsFleetOptions;
  readonly #members = new Map<string, Member>();
  #sweeper: NodeJS.Timeout | undefined;
  #sweeping = false;
  #closed = false;
  #starting = 0;

  constructor(options: EcsFleetOptions) {
    this.#options = options;
  }

  get needsFeed(): boolean {
    return this.#members.size > 0 || this.#starting > 0;
  }

  start(lane: Lane, count: number): void {
    for (let left = count; left > 0; left -= RUN_TASK_MAX) void this.#run(lane, Math.min(left, RUN_TASK_MAX));
    this.#sweeper ??= setInterval(() => void this.#sweep(), SWEEP_EVERY_MS).unref();
  }

  async #run(lane: Lane, count: number): Promise<void> {
    this.#starting += count;
    const { ecs, settings, shards } = this.#options;
    const feedShard = shards.assign(count);
    let started = 0;
    try {
      const { tasks, failures } = await ecs.run(lane, count, { ...(await settings()), feedShard });
      started = tasks.length;
      for (const task of tasks) this.#add(lane, task, feedShard);
      this.#options.listen();
      const refused = count - tasks.length;
      if (refused > 0) this.#startFailed(lane, refused, classifyEcsFailure(failures[0] ?? {}));
    } catch (error) {
      const facts = factsOf(error);
      const { kind, seen } = classifyInvokeError(facts);
      this.#startFailed(lane, count, {
        kind: kind === "throttled" || isThrottle(facts) ? "throttled" : "start-failed",
        seen,
      });
    } finally {
      this.#starting -= count;
      shards.leave(feedShard, Date.now(), count - started);
    }
  }

  #startFailed(lane: Lane, count: number, failure: Failure & { kind: "throttled" | "start-failed" }): void {
    if (!this.#closed) this.#options.report({ type: "start-failed", lane, count, failure });
  }

  #add(lane: Lane, task: EcsTask, feedShard: number): void {
    const arn = task.taskArn as string;
    const now = Date.now();
    this.#members.set(idOf(arn), {
      id: idOf(arn),
      arn,
      lane,
      feedShard,
      startedAt: now,
      isReady: false,
      lastHeard: now,
      lastAsked: now,
      patienceMs: FIRST_PATIENCE_MS,
      letters: 0,
      leaving: false,
      terminating: false,
    });
    // The lab was closed while it was being started.
    if (this.#closed) void this.#options.ecs.stop(arn, "the lab was closed").catch(() => {});
  }

  #remove({ id, feedShard }: Member): void {
    if (this.#members.delete(id)) this.#options.shards.leave(feedShard, Date.now());
  }

  /** The shard of the feed in which an executor tells what happens. */
  feedShardOf(id: string): number | undefined {
    return this.#members.get(id)?.feedShard;
  }

  dispatch({ assignment, executor }: DispatchOrder): void {
    const member = this.#members.get(executor as string);
    if (!member) return;
    const number = ++member.letters;
    sendLetter(this.#options.stores, member.id, number, { type: "assign", assignment }).catch((error) => {
      const { kind, seen } = classifyInvokeError(factsOf(error));
      this.#options.report({ type: "assignment-failed", assignment: assignment.id, failure: { kind, seen } });
    });
    this.#options.listen();
  }

  kill({ executor, assignment, runId, tasks, graceMs }: KillOrder): void {
    const member = this.#members.get(executor as string);
    if (!member) return;
    const letter = { type: "cancel", runId, assignment, tasks, graceMs } as const;
    sendLetter(this.#options.stores, member.id, ++member.letters, letter).catch(() => {});
  }

  /**
   * Leaves an executor to whoever drives its run next: it finishes what it works on, and then leaves by itself.
   */
  abandon(id: string): void {
    const member = this.#members.get(id);
    if (!member) return;
    this.letGo(id);
    this.#remove(member);
    if (!this.#closed) this.#options.report({ type: "executor-gone", executor: id });
  }

  answer({ executor, assignment, answer }: AnswerOrder): void {
    const member = this.#members.get(executor as string);
    if (!member) return;
    const letter = { type: "answer", assignment, answer } as const;
    sendLetter(this.#options.stores, member.id, ++member.letters, letter).catch((error) => {
      // Whoever waits for it would wait for ever.
      const { kind, seen } = classifyInvokeError(factsOf(error));
      this.#options.report({ type: "assignment-failed", assignment, failure: { kind, seen } });
    });
  }

  /** Lets an idle executor go. */
  letGo(id: string): void {
    const member = this.#members.get(id);
    if (!member) return;
    member.leaving = true;
    sendLetter(this.#options.stores, member.id, ++member.letters, { type: "leave" }).catch(() => {});
  }

  /** Something was told in the feed; true if one of the fleet told it. */
  hear(id: string, event: FeedEvent): boolean {
    const member = this.#members.get(id);
    if (!member) return false;
    member.lastHeard = Date.now();
    if (!member.isReady) {
      member.isReady = true;
      const { lane, startedAt } = member;
      if (!member.leaving) this.#options.report({ type: "executor-ready", executor: id, lane, startedAt });
    }
    switch (event.type) {
      case "outcomes":
        for (const report of event.reports) {
          this.#options.report({ type: "outcome", assignment: event.assignment, ...report });
        }
        break;
      case "broken":
        this.#options.report({
          type: "assignment-failed",
          assignment: event.assignment,
          failure: event.failure,
          ...(event.atServiceLimit ? { atServiceLimit: true } : {}),
        });
        break;
      case "terminating":
        member.terminating = true;
        member.patienceMs = FIRST_PATIENCE_MS;
        break;
      case "bye":
        // It left by itself, with nothing half done: what it did not begin goes elsewhere.
        this.#remove(member);
        this.#options.report({ type: "executor-gone", executor: id });
        break;
      default:
    }
    return true;
  }

  // --- Those that are silent ----------------------------------------------------------------------

  async #sweep(): Promise<void> {
    if (this.#sweeping || this.#closed) return;
    this.#sweeping = true;
    try {
      const now = Date.now();
      const silent = [...this.#members.values()].filter((member) => this.#isSilent(member, now));
      if (silent.length > 0) await this.#ask(silent, now);
    } catch {
      // A throttled or failed question is no evidence of anybody's death: it is asked again.
    } finally {
      this.#sweeping = false;
    }
  }

  #isSilent(member: Member, now: number): boolean {
    if (now - member.lastAsked < member.patienceMs) return false;
    return !member.isReady || member.terminating || now - member.lastHeard > SILENCE_MS;
  }

  async #ask(silent: readonly Member[], now: number): Promise<void> {
    for (const member of silent) {
      member.lastAsked = now;
      member.patienceMs = Math.min(MAX_PATIENCE_MS, member.patienceMs * 2);
    }
    const { tasks, missing } = await this.#options.ecs.describe(silent.map(({ arn }) => arn));
    for (const task of tasks) {
      const member = this.#members.get(idOf(task.taskArn as string));
      if (!member) continue;
      if (task.lastStatus === "STOPPED") this.#stopped(member, task);
      else this.#giveUpIfTooLong(member, now);
    }
    for (const arn of missing) {
      const member = this.#members.get(idOf(arn));
      if (member)
        this.#gone(member, { kind: "executor-lost", seen: "ECS does not know the ECS task any more (MISSING)" });
    }
  }

  #stopped(member: Member, task: EcsTask): void {
    const containers = (task.containers ?? []).map(({ exitCode, reason }) => ({ exitCode, reason }));
    const { stopCode, stoppedReason } = task;
    const { kind, seen } = classifyEcsStop({ stopCode, stoppedReason, containers, hadStarted: member.isReady });
    // Exit code 0 of one that had worked: it left, and its goodbye is still on the way or was lost.
    const leftByItself = member.isReady && containers[0]?.exitCode === 0 && kind === "executor-lost";
    const since = task.pullStartedAt ?? task.startedAt;
    const ranMs = since && (task.stoppedAt ?? new Date()).getTime() - since.getTime();
    this.#gone(member, leftByItself || member.leaving ? undefined : { kind, seen }, ranMs);
  }

  #giveUpIfTooLong(member: Member, now: number): void {
    const limit = member.isReady ? SILENT_MAX_MS : START_MAX_MS;
    const since = member.isReady ? member.lastHeard : member.startedAt;
    if (now - since < limit) return;
    void this.#options.ecs.stop(member.arn, "stratolab: no sign of life").catch(() => {});
    const seen = member.isReady
      ? `the container has said nothing for ${Math.round((now - since) / 1000)} s, though ECS has it running`
      : `the container did not start working within ${START_MAX_MS / 60_000} minutes`;
    this.#gone(member, { kind: member.isReady ? "executor-lost" : "start-failed", seen });
  }

  #gone(member: Member, failure: Failure | undefined, ranMs?: number): void {
    this.#remove(member);
    if (this.#closed) return;
    if (member.isReady) {
      this.#options.report({ type: "executor-gone", executor: member.id, ...(failure ? { failure } : {}) });
      return;
    }
    // It never worked, so no attempt is to blame; being evicted or refused before is bad luck, not a fault.
    const isBadLuck = failure?.kind === "throttled" || failure?.kind === "spot-interruption";
    const kind = isBadLuck ? failure.kind : "start-failed";
    const seen = failure?.seen ?? "it left before it began";
    const ran = ranMs === undefined ? {} : { ranMs };
    this.#options.report({ type: "start-failed", lane: member.lane, count: 1, failure: { kind, seen }, ...ran });
  }

  /** Ends every ECS task of the fleet. */
  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#sweeper);
    await Promise.all(
      [...this.#members.values()].map(({ arn }) => this.#options.ecs.stop(arn, "the lab was closed").catch(() => {})),
    );
    this.#options.ecs.close();
  }
}
