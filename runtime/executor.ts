/**
 * An executor process: takes assignments from the supervisor that started it, executes their attempts
 * one after another, and reports each outcome as it comes.
 *
 * File descriptors: 3 brings messages, 4 takes outcomes, 6 is the mark.
 */
import { Socket } from "node:net";
import { totalmem } from "node:os";
import { OwnStorages } from "../sdk/stores/own-storage.ts";
import type { ResultName } from "../sdk/stores/result-items.ts";
import { readResults } from "../sdk/stores/results.ts";
import { openStores, type Stores } from "../sdk/stores/stores.ts";
import { loadBytes, loadValue } from "../sdk/stores/values.ts";
import type { Assignment, AttemptSpec } from "../sdk/wire/attempt.ts";
import { storageOf } from "../sdk/wire/cache-options.ts";
import { MessageReader, type ToExecutor } from "../sdk/wire/channel.ts";
import { codecsOf } from "../sdk/wire/codec/classes.ts";
import { DEFINITION, type RunnableDefinition } from "../sdk/wire/definition.ts";
import { ownStorageTask } from "../sdk/wire/keys.ts";
import type { LabError } from "../sdk/wire/lab-error.ts";
import type { Outcome, PassedOver, Suspension } from "../sdk/wire/outcome.ts";
import { ExecutorEnv } from "../sdk/wire/protocol.ts";
import type { ObjectSlot, Slot } from "../sdk/wire/slot.ts";
import { TASK_TOOLS, type ToolsContext } from "../sdk/wire/task-tools.ts";
import { flushSpans } from "../sdk/wire/tracing.ts";
import { valueExtensions } from "../sdk/wire/value-extensions.ts";
import { AttemptAbort } from "./attempt-abort.ts";
import { AttemptLab } from "./attempt-lab.ts";
import { AttemptWatch, Watching } from "./attempt-watch.ts";
import { AttemptCheckpoint } from "./checkpoint.ts";
import { execute } from "./execute.ts";
import { fetchBundle } from "./fetch-bundle.ts";
import { HandedResults } from "./handed-results.ts";
import { loadBundle, toldTasks } from "./load-bundle.ts";
import { LoadedCache, StoreWithLoaded } from "./loaded-objects.ts";
import { announceSpeaker, captureConsole, endOfSpeech, speakingFor, taskLog } from "./log-capture.ts";
import { MarkWriter } from "./mark.ts";
import { MessageWriter } from "./message-writer.ts";
import { SetUpEnv } from "./runtime-env.ts";
import { Semaphore } from "./semaphore.ts";
import { asSetupFailure, type SetupFailure } from "./setup-log.ts";
import { SpawnedProcesses } from "./spawned.ts";
import { SpillFolder } from "./spill-folder.ts";
import type { WatchBoard } from "./watch.ts";

const MESSAGES_FD = 3;
const OUTCOMES_FD = 4;
const outcomes = new MessageWriter(OUTCOMES_FD);
const MARK_FD = 6;
/** Of its memory an executor keeps loaded objects in this share, at most; beside what its task needs. */
const KEPT_SHARE = 0.1;
const MAX_KEPT_BYTES = 64 * 2 ** 20;
/** Results that may be on their way to the stores while further tasks run. */
const STORING_AT_ONCE = 256;
/** Of how many attempts that come next inputs are loaded while one runs. */
const PREFETCHED_AHEAD = 4;
/** Short tasks may follow each other without end: this often, in milliseconds, results get away and messages in. */
const YIELD_EVERY_MS = 10;

/** The attempt that is being executed. */
interface Current {
  readonly runId: string;
  readonly task: number;
  readonly abort: AttemptAbort;
  readonly checkpoint: AttemptCheckpoint;
  readonly lab: AttemptLab;
}

class Executor {
  readonly #watching: Watching;
  readonly #storing = new Semaphore(STORING_AT_ONCE);
  readonly #spawned = new SpawnedProcesses(process.env[ExecutorEnv.executor] ?? "", announceSpeaker);
  #definitions = new Map<string, RunnableDefinition>();
  #versions: ReadonlyMap<string, string> = new Map();
  #stores: Stores | undefined;
  #contexts = new Map<string, unknown>();
  #loaded = new LoadedCache(undefined);
  #queue: Promise<void> = Promise.resolve();
  #current: Current | undefined;
  #env: SetUpEnv | undefined;
  /** For the assignment that is being worked on. */
  #planning: { readonly assignment: Assignment; readonly context: ToolsContext } | undefined;
  /** The bundle did not open: whoever started this process has been told, and ends it. */
  #isBroken = false;
  /** Assignments that were received and are not done. */
  #assigned = 0;
  /** A notice that came while an attempt was still on its way. */
  #noticed: string | undefined;
  /** Attempts cancelled before they began. */
  readonly #cancelled = new Set<string>();

  constructor(board: WatchBoard) {
    this.#watching = new Watching(board, new MarkWriter(MARK_FD), this.#spawned);
    this.#spawned.watch();
  }

  receive(message: ToExecutor): void {
    switch (message.type) {
      case "open":
        this.#queue = this.#open(message);
        break;
      case "assign":
        this.#assigned += 1;
        if (this.#assigned > 1) this.#prefetch(message.assignment.attempts, 0);
        this.#queue = this.#queue.then(() => this.#work(message.assignment)).finally(() => this.#worked());
        break;
      case "notice":
        this.notice(message.reason);
        break;
      case "cancel":
        if (this.#current?.runId === message.runId && this.#current.task === message.task) {
          this.#current.abort.abort(new Error("the task was cancelled"));
        } else {
          this.#cancelled.add(`${message.runId}/${message.task}`);
        }
        break;
      case "answer":
        this.#current?.lab.receive(message.answer);
        break;
    }
  }

  /** This process is about to be taken away. */
  notice(reason: string): void {
    if (this.#current) this.#current.checkpoint.request(reason);
    else if (this.#assigned > 0) this.#noticed = reason;
  }

  #worked(): void {
    this.#assigned -= 1;
    if (this.#assigned === 0) this.#noticed = undefined;
  }

  async #open({ bundleHash, local, stores, runtimeEnv }: ToExecutor & { type: "open" }): Promise<void> {
    try {
      if (runtimeEnv) outcomes.write({ type: "setting-up" });
      const opening = openStores(stores);
      if (runtimeEnv) {
        const { spec, ...place } = runtimeEnv;
        this.#env = await SetUpEnv.setUp(spec, { stores: await opening, address: stores, place });
        this.#env.enter();
      }
      const { path, root } = local ?? (await fetchBundle((await opening).objects, bundleHash));
      const { tasks: loaded, exported } = await loadBundle(path, bundleHash, root, this.#env);
      await this.#env?.prepare(exported);
      this.#definitions = new Map(loaded.map(({ name, definition }) => [name, definition]));
      const { objects, ...others } = await opening;
      const storageOfTask = (name: string) => storageOf(this.#definitions.get(name)?.[DEFINITION].cache);
      this.#stores = { ...others, objects: new OwnStorages(objects, storageOfTask) };
      // On this machine the store is a disk itself.
      if (objects.isRemote) this.#loaded = new LoadedCache(new SpillFolder());
      this.#versions = new Map(loaded.map(({ name, version }) => [name, version]));
      outcomes.write({ type: "opened", tasks: toldTasks(loaded) });
    } catch (error) {
      this.#isBroken = true;
      // The module was found to load elsewhere: what is wrong with it here is its environment.
      const { kind = "start-failed", message, log } = runtimeEnv ? asEnvFailure(error) : (error as SetupFailure);
      outcomes.write({ type: "open-failed", kind, message, ...(log ? { log } : {}) });
    }
  }

  async #work(assignment: Assignment): Promise<void> {
    if (this.#isBroken) return;
    // Tasks that share an assignment are known to be short: the next may run while the last is stored.
    // One that comes alone may block the event loop for long: what was done before is stored first.
    const overlapping = assignment.attempts.length > 1;
    if (!overlapping) await this.#storing.idle();
    const handed = HandedResults.of(assignment.attempts);
    // A result that others store, or keep, needs no way to a store from here.
    const isToldAtOnce = assignment.packed || this.#stores?.keptResults !== undefined;
    let yieldedAt = performance.now();
    for (const [index, spec] of assignment.attempts.entries()) {
      if (performance.now() - yieldedAt > YIELD_EVERY_MS) {
        await new Promise((next) => setImmediate(next));
        yieldedAt = performance.now();
      }
      await this.#storing.acquire();
      await new Promise<void>((next) => {
        let spoken = 0;
        const ran = (end: number) => {
          spoken = end;
          if (overlapping) next();
        };
        void this.#attempt(assignment, spec, handed, ran).then((ended) => {
          const { task, attempt } = spec;
          handed?.ended(spec, ended);
          // What was asked since the last report: of those that overlap, the first one bears it.
          const requests = this.#stores?.requests?.take();
          const outcome = requests ? { ...ended, requests } : ended;
          const report = { type: "outcome", assignment: assignment.id, task, attempt, outcome } as const;
          outcomes.gather(spoken ? { ...report, spoken } : report);
          this.#storing.release();
          next();
        });
        if (overlapping) this.#prefetch(assignment.attempts, index + 1);
      });
      // Its outcome is known as soon as all promises that are settled by now were heard: so the next task's code, whatever
      // it does to this process, begins after it was told.
      if (overlapping && isToldAtOnce) await new Promise<void>((heard) => process.nextTick(heard));
    }
  }

  /** Loads inputs of attempts that come next while one runs, where the store is far away. */
  #prefetch(attempts: readonly AttemptSpec[], from: number): void {
    const objects = this.#stores?.objects;
    if (!objects?.isRemote) return;
    const next = attempts.slice(from, from + PREFETCHED_AHEAD);
    const slots = next.flatMap(({ params, inputs }) => [params, ...Object.values(inputs)]);
    const stored = slots.filter((slot): slot is ObjectSlot => "object" in slot && !ownStorageTask(slot.object));
    this.#loaded.prefetch(stored, (slot) => loadBytes(objects, slot));
  }

  async #attempt(
    assignment: Assignment,
    spec: AttemptSpec,
    handed: HandedResults | undefined,
    ran: (spoken: number) => void,
  ): Promise<Outcome> {
    const { runId, namespace, inlineBytes } = assignment;
    const { task, attempt } = spec;
    if (this.#cancelled.delete(`${runId}/${task}`)) return { kind: "cancelled", seen: "cancelled before it began" };
    const definition = this.#definitions.get(spec.name);
    const opened = this.#stores;
    if (!definition || !opened) {
      return { kind: "start-failed", seen: `the bundle that was loaded has no task ${spec.name}` };
    }
    const beginning = this.#loaded.begin(objectsOf(spec), keptBytes(spec));
    const loaded = beginning instanceof Promise ? await beginning : beginning;
    const { table, keptResults } = opened;
    const objects = new StoreWithLoaded(opened.objects, loaded);
    const stores = { table, objects, ...(keptResults ? { keptResults } : {}) };
    const abort = new AttemptAbort();
    const watch = new AttemptWatch(this.#watching, spec, assignment.memoryMonitor, abort);
    const speaker = { runId, task, attempt };
    const extensions = valueExtensions(codecsOf(definition));
    const lab = new AttemptLab({
      stores,
      extensions,
      tools: definition[TASK_TOOLS],
      planning: this.#planningOf(assignment),
      runId,
      spec,
      inlineBytes,
      abort,
      suspendAfterMs: spec.suspendAfterMs,
      recall: attempt > 1 && spec.generation === 0 ? recallFrom(stores, namespace) : undefined,
      send: (request) => outcomes.write({ type: "nested", assignment: assignment.id, task, attempt, request }),
      waiting: (isWaiting) => watch.wait(isWaiting),
    });
    const checkpoint = new AttemptCheckpoint({
      stores,
      taskKey: spec.key,
      saver: { runStartedAt: assignment.runStartedAt, attempt },
      inlineBytes,
      notBefore: spec.generation,
      extensions: () => lab.objects.noting(),
    });
    this.#current = { runId, task, abort, checkpoint, lab };
    if (this.#noticed !== undefined) checkpoint.request(this.#noticed);
    let context: unknown;
    try {
      if (assignment.context) context = await this.#contextOf(assignment.context, opened, definition);
    } catch (error) {
      return { kind: "object-lost", seen: `loading the lab's context: ${(error as Error).message}` };
    }
    const outcome = await speakingFor(speaker, () =>
      execute(spec, {
        stores,
        definition,
        runId,
        namespace,
        context,
        inlineBytes,
        isPacked: assignment.packed ?? false,
        handed,
        abort,
        log: taskLog(speaker),
        checkpoint,
        lab,
        peakMemoryMb: () => watch.peakMemoryMb,
        begin: () => {
          // Whatever it does to this process: what has ended before was told.
          outcomes.flush();
          // What the attempt before has changed of it is as it was.
          this.#env?.enter();
          watch.begin();
        },
        ran: () => {
          watch.end();
          this.#current = undefined;
          ran(endOfSpeech());
        },
      }),
    );
    loaded.end();
    if (spec.trace) await flushSpans(spec.trace);
    if (outcome.kind === "suspended") abort.abort(new Error("the attempt is suspended"));
    // What it threw because it was told to stop is not its own error.
    if (!abort.reason || outcome.kind === "ok" || isNoEnd(outcome)) return outcome;
    return {
      ...outcome,
      kind: watch.isOvertime ? "timeout" : "cancelled",
      seen: `${abort.reason.message}; it ended with: ${outcome.seen}`,
    };
  }

  /** What plans of tasks that its attempts run are made with. */
  #planningOf(assignment: Assignment): ToolsContext {
    if (this.#planning?.assignment !== assignment) {
      const { namespace, taskRuntimeEnvs } = assignment;
      const runtimeEnvs = new Map(taskRuntimeEnvs);
      const context = { namespace, versions: this.#versions, taskModule: "the task module", runtimeEnvs };
      this.#planning = { assignment, context };
    }
    return this.#planning.context;
  }

  /** Loaded once for each context; a lab has one. */
  async #contextOf(context: Slot, stores: Stores, definition: RunnableDefinition): Promise<unknown> {
    const key = "inline" in context ? Buffer.from(context.inline).toString("latin1") : context.object;
    if (!this.#contexts.has(key)) {
      const loaded = await loadValue(stores.objects, context, valueExtensions(codecsOf(definition)));
      this.#contexts = new Map([[key, loaded]]);
    }
    return this.#contexts.get(key);
  }
}

/** The attempt is to be made again, whatever else happened to it. */
const isNoEnd = (outcome: Outcome): outcome is Suspension | PassedOver =>
  outcome.kind === "suspended" || outcome.kind === "passed-over";

/** Objects that an attempt loads before its task begins. */
function objectsOf({ params, inputs }: AttemptSpec): ReadonlySet<string> {
  let objects = NO_OBJECTS;
  const add = (slot: Slot) => {
    if ("object" in slot) objects = new Set(objects).add(slot.object);
  };
  add(params);
  for (const key in inputs) add(inputs[key]);
  return objects;
}

const NO_OBJECTS: ReadonlySet<string> = new Set();

/** Asked once: it is read from a file. */
const TOTAL_BYTES = totalmem();

const keptBytes = ({ resources: { memoryMb } }: AttemptSpec): number =>
  Math.min(MAX_KEPT_BYTES, KEPT_SHARE * (memoryMb === undefined ? TOTAL_BYTES : memoryMb * 2 ** 20));

/** A bundle that is not stored has nothing to do with the environment. */
const asEnvFailure = (error: unknown): Pick<SetupFailure, "kind" | "message"> & Partial<SetupFailure> =>
  (error as LabError).kind === "start-failed"
    ? (error as LabError)
    : asSetupFailure(error, "the task module does not load in it");

/** Finds results of earlier attempts' tasks. */
const recallFrom = (stores: Stores, namespace: string) => async (tasks: readonly Omit<ResultName, "namespace">[]) => {
  const records = await readResults(
    stores.table,
    tasks.map(({ key, name, version }) => ({ key, namespace, name, version })),
  );
  return records.map((record) => record?.value);
};

/** Serves the supervisor until it closes the channel. */
export function serve(board: WatchBoard): Executor {
  // For the user's code, not for this library's own: its maps would be read before the first task.
  process.setSourceMapsEnabled(true);
  captureConsole();
  const executor = new Executor(board);
  const channel = new Socket({ fd: MESSAGES_FD, readable: true, writable: false });
  const reader = new MessageReader<ToExecutor>();
  channel.on("data", (piece: Buffer) => {
    for (const message of reader.push(piece)) executor.receive(message);
  });
  const leave = () => process.exit(0);
  channel.on("end", leave);
  channel.on("error", leave);
  // Ctrl-C is for the driver, which decides what becomes of running attempts.
  process.on("SIGINT", () => {});
  return executor;
}
