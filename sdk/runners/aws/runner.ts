import { tmpdir } from "node:os";
import { join } from "node:path";
import { putBundle } from "../../bundle/stored-bundle.ts";
import { FeedShards } from "../../core/feed-shards.ts";
import { FEED } from "../../core/limits.ts";
import type { Lane, Offer } from "../../core/offer.ts";
import { LabError, LabOptionError } from "../../errors.ts";
import type { FeedEntry } from "../../wire/feed.ts";
import { DEFAULT_STACK_NAME, DriverEnv } from "../../wire/protocol.ts";
import type { StoreAddress } from "../../wire/store-address.ts";
import { isNewerVersion } from "../../wire/version.ts";
import { writeBundle } from "../local/bundle-file.ts";
import { probeBundle } from "../local/probe.ts";
import type {
  AdoptOrder,
  AnswerOrder,
  DispatchOrder,
  HandOver,
  KillOrder,
  Runner,
  RunnerOpening,
  RunnerSession,
} from "../runner.ts";
import { AdoptedAttempts } from "./adopted.ts";
import { explainAccess } from "./aws-errors.ts";
import { Ecs } from "./ecs-client.ts";
import { EcsFleet } from "./ecs-fleet.ts";
import { FeedPoller } from "./feed-poller.ts";
import { Lambda } from "./lambda-client.ts";
import { functionsBySize, LambdaLanes } from "./lambda-lanes.ts";
import { LastUsages } from "./last-usages.ts";
import type { AwsOptions } from "./options.ts";
import { findStack, type StackParts } from "./stack.ts";
import { uploadRuntime } from "./upload.ts";

/** Where nothing can be learned of the account: what AWS gives to an account by default. */
const DEFAULT_CONCURRENCY = 1_000;
const DEFAULT_MAX_ECS_TASKS = 100;
const DEFAULT_ECS_IDLE_MS = 60_000;
/** Items of the control table stay small: one write unit is 1 KB, and an item at most 4. */
const INLINE_BYTES = 2_048;
const BATCH = { targetMs: 1_000, maxTasks: 100, fanIns: true };

/** What exists once the runner is open. */
interface Opened {
  readonly session: RunnerSession;
  readonly lanes: LambdaLanes;
  readonly fleet: EcsFleet;
  readonly feed: FeedPoller;
  readonly adopted: AdoptedAttempts;
}

/** Tasks on AWS Lambda and ECS, in the stack that `cdk deploy` made. */
export class AwsRunner implements Runner {
  readonly name = "aws";
  readonly #options: AwsOptions;
  #stack: Promise<StackParts> | undefined;
  #opened: Opened | undefined;
  #warned = false;
  /** What executors have told last of what they use, by assignment. */
  readonly #usages = new LastUsages();
  readonly #executorsPerFeedShard: number;

  /** @param executorsPerFeedShard How many executors share a partition of the feed. */
  constructor(options: AwsOptions, executorsPerFeedShard: number = FEED.executorsPerShard) {
    this.#options = options;
    this.#executorsPerFeedShard = executorsPerFeedShard;
  }

  #findStack(): Promise<StackParts> {
    const name = this.#options.stack ?? (process.env[DriverEnv.stack] || DEFAULT_STACK_NAME);
    this.#stack ??= findStack(name, this.#options.region);
    return this.#stack;
  }

  async storeAddress(storage: string | false | undefined): Promise<StoreAddress> {
    if (storage !== undefined) {
      // False, too: executors elsewhere have nothing in common but what is stored.
      throw new LabOptionError(
        `storage ${JSON.stringify(storage)} is for runners on this machine; on AWS results are kept in the stack's own table and bucket. Leave storage out`,
      );
    }
    const { table, bucket, region } = await this.#findStack();
    return { kind: "aws", table, bucket, region };
  }

  async open(session: RunnerSession): Promise<RunnerOpening> {
    const stack = await this.#findStack();
    const { stores, bundle, labId, address } = session;
    const [resource] = Object.keys(session.resources);
    if (resource !== undefined) {
      throw new LabOptionError(
        `resources.${resource}: custom resources are of this machine; AWS executors have none. Use runner: "local"`,
      );
    }
    const lambda = new Lambda(stack.region);
    const upload = async () => {
      await putBundle(stores.objects, bundle);
      return uploadRuntime(stores.objects, stack.bucket, stack.region);
    };
    const probe = async () => {
      const path = await writeBundle(join(tmpdir(), `stratolab-${process.getuid?.() ?? 0}`, "bundles"), bundle);
      return probeBundle(path, bundle, address);
    };
    const found = session.tasks ?? probe();
    const [tasks, runtime, quota] = await Promise.all([found, this.#explained(upload()), lambda.concurrencyQuota()]);

    const shards = new FeedShards(this.#executorsPerFeedShard);
    const report = session.report.bind(session);
    const listen = () => feed.wake();
    const lanes = new LambdaLanes({
      lambda,
      functions: stack.functions,
      stores,
      feed: labId,
      shards,
      report,
      listen,
      catchUp: (): Promise<void> => feed.catchUp(),
    });
    const idleMs = this.#options.ecsIdleMs ?? DEFAULT_ECS_IDLE_MS;
    const fleet = new EcsFleet({
      ecs: new Ecs(stack),
      stores,
      shards,
      settings: async () => ({ lab: labId, idleMs, runtimeUrl: await runtime.url(), runtimeHash: runtime.hash }),
      report,
      listen,
    });
    const feed = new FeedPoller(
      stores.table,
      { name: labId, shards: () => shards.toRead(Date.now()) },
      () => lanes.needsFeed || fleet.needsFeed,
      (entry) => this.#hear(entry),
      // A feed that could not be read is read again; what this version cannot read stays unread.
      (error) => this.#warnOfNewer(error),
    );
    const adopted = new AdoptedAttempts({ stores, report });
    this.#opened = { session, lanes, fleet, feed, adopted };
    return {
      offer: this.#offer(stack, quota),
      tasks,
      batch: BATCH,
      inlineBytes: INLINE_BYTES,
      packsResults: true,
      ...(this.#options.storeRates ? { storeRates: this.#options.storeRates } : {}),
      runtimeEnvs: true,
    };
  }

  async #explained<T>(promise: Promise<T>): Promise<T> {
    try {
      return await promise;
    } catch (error) {
      throw explainAccess(error, "upload the task module") ?? error;
    }
  }

  #offer(stack: StackParts, quota: number | undefined): Offer {
    const maxEcsTasks = this.#options.maxEcsTasks ?? DEFAULT_MAX_ECS_TASKS;
    const [smallest] = stack.functions;
    const { architecture, assignPublicIp, gpu } = stack;
    const { ecsLaunches, newEnvironments } = this.#options;
    const functions = functionsBySize(stack.functions);
    const spotOrNot = (spot: boolean) =>
      ({
        service: "fargate",
        spot,
        maxEcsTasks,
        architecture,
        publicAddress: assignPublicIp === "ENABLED",
        ...(ecsLaunches ? { launches: ecsLaunches } : {}),
      }) as const;
    return [
      {
        service: "lambda",
        memoriesMb: [...functions.keys()],
        architecture,
        copies: Math.min(...[...functions.values()].map(({ length }) => length)),
        ...(newEnvironments ? { newEnvironments } : {}),
        timeoutMs: (smallest?.timeoutSeconds ?? 900) * 1_000,
        ephemeralStorageMb: smallest?.ephemeralStorageMb ?? 512,
        concurrency: quota ?? DEFAULT_CONCURRENCY,
      },
      spotOrNot(true),
      spotOrNot(false),
      ...(gpu
        ? [
            {
              service: "ec2" as const,
              instances: gpu.instances,
              maxInstances: gpu.maxInstances,
              onDemand: gpu.capacityProviders.some(({ spot }) => !spot),
              spot: gpu.capacityProviders.some(({ spot }) => spot),
            },
          ]
        : []),
    ];
  }

  #warnOfNewer(error: unknown): void {
    if (this.#warned || !isNewerVersion(error)) return;
    this.#warned = true;
    process.emitWarning(error.message, "StratolabWarning");
  }

  #hear({ executor, event }: FeedEntry): void {
    const opened = this.#opened;
    if (!opened) return;
    // What an answer has comes with it, unless that was lost.
    if (event.type === "logs" && (event.inAnswerOf === undefined || opened.lanes.isFollowed(event.inAnswerOf))) {
      for (const line of event.lines) opened.session.report({ type: "log", executor, ...line });
    }
    if (event.type === "beat" && event.usage) this.#usages.set(event.assignments[0] ?? "", event.usage);
    if (!opened.fleet.hear(executor, event)) opened.lanes.hear(executor, event);
    if (event.type === "nested") opened.session.report(event);
  }

  startExecutors(lane: Lane, count: number): void {
    this.#opened?.fleet.start(lane, count);
  }

  stopExecutor(executor: string): void {
    this.#opened?.fleet.letGo(executor);
  }

  dispatch(order: DispatchOrder): void {
    if (order.executor === undefined) this.#opened?.lanes.dispatch(order);
    else this.#opened?.fleet.dispatch(order);
  }

  adopt(order: AdoptOrder): void {
    this.#opened?.adopted.adopt(order);
  }

  abandon({ assignment, executor }: Pick<KillOrder, "assignment" | "executor">): void {
    const opened = this.#opened;
    if (!opened || opened.adopted.abandon(assignment)) return;
    if (executor === undefined) opened.lanes.abandon(assignment);
    else opened.fleet.abandon(executor);
  }

  async handOver(run: HandOver): Promise<void> {
    const { name, driverFunction } = await this.#findStack();
    if (driverFunction === undefined) {
      throw new LabError(
        "stack-version",
        `the stack ${name} has no driver of its own. Run "npx cdk deploy" to update it`,
      );
    }
    try {
      await this.#opened?.lanes.startDriver(driverFunction, run);
    } catch (error) {
      throw explainAccess(error, `start the driver function ${driverFunction}`) ?? error;
    }
  }

  kill(order: KillOrder): void {
    if (this.#opened?.adopted.kill(order)) return;
    if (order.executor === undefined) this.#opened?.lanes.kill(order);
    else this.#opened?.fleet.kill(order);
  }

  usageOf({ assignment }: { readonly assignment: string }) {
    return this.#usages.get(assignment);
  }

  feedShardOf({ assignment, executor }: { readonly assignment: string; readonly executor?: string }) {
    return executor === undefined
      ? this.#opened?.lanes.feedShardOf(assignment)
      : this.#opened?.fleet.feedShardOf(executor);
  }

  answer(order: AnswerOrder): void {
    if (order.executor === undefined) this.#opened?.lanes.answer(order);
    else this.#opened?.fleet.answer(order);
  }

  async close(): Promise<void> {
    const opened = this.#opened;
    if (!opened) return;
    const { lanes, fleet, feed, adopted } = opened;
    lanes.close();
    await Promise.all([fleet.close(), feed.close(), adopted.close()]);
  }
}
