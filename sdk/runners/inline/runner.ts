import { availableParallelism, totalmem } from "node:os";
import { format } from "node:util";
import { AttemptLab } from "../../../runtime/attempt-lab.ts";
import { AttemptCheckpoint } from "../../../runtime/checkpoint.ts";
import { setupTimeout } from "../../../runtime/env-failures.ts";
import { execute } from "../../../runtime/execute.ts";
import { HandedResults } from "../../../runtime/handed-results.ts";
import { type LoadedTask, loadBundle, toldTasks } from "../../../runtime/load-bundle.ts";
import type { LogLevel } from "../../../runtime/log-lines.ts";
import { SetUpEnv } from "../../../runtime/runtime-env.ts";
import { asSetupFailure, SetupFailure } from "../../../runtime/setup-log.ts";
import { putBundle } from "../../bundle/stored-bundle.ts";
import { loadValue } from "../../stores/values.ts";
import type { Assignment, AttemptSpec } from "../../wire/attempt.ts";
import { codecsOf } from "../../wire/codec/classes.ts";
import type { RunnableDefinition, TaskLog } from "../../wire/definition.ts";
import type { Outcome } from "../../wire/outcome.ts";
import type { RuntimeEnvSpec } from "../../wire/runtime-env.ts";
import type { StoreAddress } from "../../wire/store-address.ts";
import { TASK_TOOLS } from "../../wire/task-tools.ts";
import { valueExtensions } from "../../wire/value-extensions.ts";
import { bundleFolder, runtimeEnvFolder, writeBundle } from "../local/bundle-file.ts";
import { localGpus } from "../local/gpus.ts";
import { LocalRunner } from "../local/runner.ts";
import type { AnswerOrder, DispatchOrder, KillOrder, Runner, RunnerOpening, RunnerSession } from "../runner.ts";

/** How many short tasks are executed one after another without asking what is next. */
const BATCH = { targetMs: 5, maxTasks: 256 };

/** A runtime environment that is set up in this process. */
interface InlineEnv {
  readonly env: SetUpEnv;
  readonly definitions: ReadonlyMap<string, RunnableDefinition>;
}

/**
 * Tasks in the calling process, for a debugger with breakpoints and for tests. What needs a process of
 * its own is not to be had here: a task that blocks or crashes takes the script with it, and
 * `timeoutMs` and cancellation only reach tasks that heed `ctx.signal`.
 */
export class InlineRunner implements Runner {
  readonly name = "inline";
  #session: RunnerSession | undefined;
  #bundlePath = "";
  #definitions = new Map<string, RunnableDefinition>();
  #versions: ReadonlyMap<string, string> = new Map();
  /** Environments that are set up in this process, by id, with the bundle as it is loaded in them. */
  readonly #envs = new Map<string, Promise<InlineEnv>>();
  readonly #running = new Map<string, AbortController>();
  /** Tasks that have not begun, by assignment. */
  readonly #waiting = new Map<string, Set<number>>();
  /** `ctx.lab` of running attempts, by assignment. */
  readonly #labs = new Map<string, AttemptLab>();

  storeAddress(storage: string | false | undefined): Promise<StoreAddress> {
    return new LocalRunner().storeAddress(storage);
  }

  async open(session: RunnerSession): Promise<RunnerOpening> {
    this.#session = session;
    const { bundle, address, concurrency, resources } = session;
    if (address.kind === "s3") await putBundle(session.stores.objects, bundle);
    const path = await writeBundle(bundleFolder(address), bundle);
    const { tasks: loaded } = await loadBundle(path, bundle.hash, bundle.root);
    this.#bundlePath = path;
    this.#definitions = definitionsByName(loaded);
    this.#versions = new Map(loaded.map(({ name, version }) => [name, version]));
    const offer = {
      service: "local",
      name: "inline",
      slots: concurrency ?? 1,
      cpus: availableParallelism(),
      memoryMb: Math.floor(totalmem() / 2 ** 20),
      gpus: localGpus(),
      resources,
      pooled: false,
    } as const;
    return {
      offer: [offer],
      tasks: toldTasks(loaded),
      // Variables and the working folder are the process's own: they can be those of one attempt at a time.
      runtimeEnvs: (concurrency ?? 1) === 1 || 'the runner "inline" sets them up with concurrency 1 only',
      batch: BATCH,
      inlineBytes: 16 * 1024,
    };
  }

  // Executors are not pooled here: the scheduler never asks for any.
  startExecutors(): void {}
  stopExecutor(): void {}

  dispatch({ assignment }: DispatchOrder): void {
    void this.#work(assignment);
  }

  async #work(assignment: Assignment): Promise<void> {
    const handed = HandedResults.of(assignment.attempts);
    const open = new Set(assignment.attempts.map(({ task }) => task));
    this.#waiting.set(assignment.id, open);
    for (const spec of assignment.attempts) {
      const { task, attempt } = spec;
      const outcome: Outcome = open.delete(task)
        ? await this.#attempt(assignment, spec, handed)
        : { kind: "cancelled", seen: "cancelled before it began" };
      handed?.ended(spec, outcome);
      if (open.size === 0) this.#waiting.delete(assignment.id);
      this.#session?.report({ type: "outcome", assignment: assignment.id, task, attempt, outcome });
    }
  }

  async #attempt(assignment: Assignment, spec: AttemptSpec, handed: HandedResults | undefined): Promise<Outcome> {
    const { stores } = this.#session as RunnerSession;
    let own: InlineEnv | undefined;
    try {
      own = assignment.runtimeEnv && (await this.#envOf(assignment.runtimeEnv));
    } catch (error) {
      const { message: seen, log } = asSetupFailure(error, "the task module does not load in it");
      return { kind: "setup-failed", seen, log };
    }
    const definition = (own?.definitions ?? this.#definitions).get(spec.name);
    if (!definition) return { kind: "start-failed", seen: `the bundle has no task ${spec.name}` };
    const { runId, namespace, inlineBytes, context } = assignment;
    const abort = new AbortController();
    const { timeoutMs } = spec.resources;
    let overtime = false;
    let timer: NodeJS.Timeout | undefined;
    let leftMs = timeoutMs;
    let since = Date.now();
    /** What it waits for is not its own time. */
    const setTimer = (isWaiting: boolean) => {
      clearTimeout(timer);
      if (leftMs === undefined) return;
      if (isWaiting) leftMs -= Date.now() - since;
      else {
        since = Date.now();
        timer = setTimeout(() => {
          overtime = true;
          abort.abort(new Error(`the attempt took longer than its timeoutMs of ${timeoutMs}`));
        }, leftMs);
      }
    };
    setTimer(false);
    let leave: (() => void) | undefined;
    const between = (isInside: boolean) => {
      leave?.();
      leave = isInside ? own?.env.enter() : undefined;
    };
    const key = `${runId}/${spec.task}`;
    this.#running.set(key, abort);
    const extensions = valueExtensions(codecsOf(definition));
    const lab = new AttemptLab({
      stores,
      extensions,
      tools: definition[TASK_TOOLS],
      planning: {
        namespace,
        versions: this.#versions,
        taskModule: "the task module",
        runtimeEnvs: new Map(assignment.taskRuntimeEnvs),
      },
      runId,
      spec,
      inlineBytes,
      abort,
      send: (request) => {
        const { task, attempt } = spec;
        this.#session?.report({ type: "nested", assignment: assignment.id, task, attempt, request });
      },
      waiting: (isWaiting) => {
        setTimer(isWaiting);
        between(!isWaiting);
      },
    });
    this.#labs.set(assignment.id, lab);
    try {
      const outcome = await execute(spec, {
        stores,
        definition,
        runId,
        namespace,
        inlineBytes,
        handed,
        context: context && (await loadValue(stores.objects, context, extensions)),
        abort,
        log: this.#log(runId, spec),
        checkpoint: new AttemptCheckpoint({
          stores,
          taskKey: spec.key,
          saver: { runStartedAt: assignment.runStartedAt, attempt: spec.attempt },
          inlineBytes,
          notBefore: spec.generation,
          extensions: () => lab.objects.noting(),
        }),
        lab,
        peakMemoryMb: () => Math.round(process.memoryUsage.rss() / 2 ** 20),
        begin: () => between(true),
        ran: () => between(false),
      });
      if (!abort.signal.aborted || outcome.kind === "ok") return outcome;
      if (outcome.kind === "suspended" || outcome.kind === "passed-over") return outcome;
      return { ...outcome, kind: overtime ? "timeout" : "cancelled" };
    } finally {
      clearTimeout(timer);
      this.#running.delete(key);
      this.#labs.delete(assignment.id);
    }
  }

  /** One that could not be set up is tried again by the next attempt. */
  #envOf(spec: RuntimeEnvSpec): Promise<InlineEnv> {
    let env = this.#envs.get(spec.id);
    if (!env) {
      env = this.#setUp(spec);
      this.#envs.set(spec.id, env);
      env.catch(() => this.#envs.delete(spec.id));
    }
    return env;
  }

  async #setUp(spec: RuntimeEnvSpec): Promise<InlineEnv> {
    const { address, bundle, stores } = this.#session as RunnerSession;
    const place = { folder: runtimeEnvFolder(address), isOwn: false };
    const said: string[] = [];
    const late = rejectAfter(spec.setupTimeoutMs, said);
    const setUp = async () => {
      const env = await SetUpEnv.setUp(spec, { stores, address, place });
      const leave = env.enter();
      try {
        const { tasks, exported } = await loadBundle(this.#bundlePath, bundle.hash, bundle.root, env);
        await env.prepare(exported, said);
        return { env, definitions: definitionsByName(tasks) };
      } finally {
        leave();
      }
    };
    return Promise.race([setUp(), late.promise]).finally(late.clear);
  }

  #log(runId: string, spec: AttemptSpec): TaskLog {
    const { task, attempt } = spec;
    const at =
      (level: LogLevel) =>
      (...parts: unknown[]) =>
        this.#session?.report({
          type: "log",
          executor: "inline",
          at: Date.now(),
          runId,
          task,
          attempt,
          level,
          text: format(...parts),
        });
    return { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
  }

  kill({ assignment, runId, tasks }: KillOrder): void {
    for (const task of tasks) this.#waiting.get(assignment)?.delete(task);
    for (const task of tasks) this.#running.get(`${runId}/${task}`)?.abort(new Error("the task was cancelled"));
  }

  answer({ assignment, answer }: AnswerOrder): void {
    this.#labs.get(assignment)?.receive(answer);
  }

  async close(): Promise<void> {
    for (const abort of this.#running.values()) abort.abort(new Error("the lab was closed"));
  }
}

const definitionsByName = (tasks: readonly LoadedTask[]) =>
  new Map(tasks.map(({ name, definition }) => [name, definition]));

function rejectAfter(timeoutMs: number, said: readonly string[]): { promise: Promise<never>; clear(): void } {
  let timer: NodeJS.Timeout | undefined;
  const promise = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      const { seen, log } = setupTimeout(timeoutMs, said.join("").split("\n"));
      reject(new SetupFailure(seen, log));
    }, timeoutMs);
  });
  return { promise, clear: () => clearTimeout(timer) };
}
