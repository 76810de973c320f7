import { randomBytes } from "node:crypto";
import { pack } from "msgpackr";
import { putContent } from "../sdk/stores/content.ts";
import { loadObject } from "../sdk/stores/objects.ts";
import { loadReturn, slotOfReturn } from "../sdk/stores/returns.ts";
import type { Stores } from "../sdk/stores/stores.ts";
import { loadStored, loadValue } from "../sdk/stores/values.ts";
import type { AttemptSpec } from "../sdk/wire/attempt.ts";
import type { CodecExtensions } from "../sdk/wire/codec/extensions.ts";
import { LabError } from "../sdk/wire/lab-error.ts";
import type { ChildPlan, NestedAnswer, NestedRequest } from "../sdk/wire/nested.ts";
import { ObjectLostError } from "../sdk/wire/object-lost-error.ts";
import { ObjectRef } from "../sdk/wire/object-ref.ts";
import type { Slot } from "../sdk/wire/slot.ts";
import type { NestedRun, NestedRunOptions, TaskLab } from "../sdk/wire/task-lab.ts";
import type { PlannedCall, TaskTools, ToolsContext } from "../sdk/wire/task-tools.ts";
import { AttemptPuts } from "./attempt-puts.ts";

type Settled = NestedAnswer & { readonly type: "settled" };

export interface AttemptLabOptions {
  readonly stores: Stores;
  /** Absent where the task was not defined in a bundle: it cannot run tasks. */
  readonly tools: TaskTools | undefined;
  readonly planning: ToolsContext;
  readonly runId: string;
  /** The attempt, as far as what it puts and gets depends on that. */
  readonly spec: Pick<AttemptSpec, "key" | "remade">;
  readonly inlineBytes: number;
  /** For the values of its bundle: it has classes of its own. */
  readonly extensions: CodecExtensions;
  /** Its signal aborts when the attempt is cancelled: what it waits for then rejects. */
  readonly abort: { readonly signal: AbortSignal };
  /** How long it may wait before its executor gives it up, to make it again later, in milliseconds. Default for ever. */
  readonly suspendAfterMs?: number | undefined;
  /** Finds results that are there already, of tasks; only where an earlier attempt may have left some. */
  readonly recall?: ((tasks: PlannedCall["tasks"]) => Promise<readonly (Slot | undefined)[]>) | undefined;
  send(request: NestedRequest): void;
  /** The attempt begins to wait for tasks of its own, or goes on. */
  waiting?(isWaiting: boolean): void;
}

/** One `runTasks` or `start`, until the attempt is over. */
interface Call {
  readonly name: string;
  readonly planned: PlannedCall;
  isSent: boolean;
  /** Somebody waits for its end. */
  isAwaited: boolean;
  answer: Promise<Settled>;
  resolve(answer: Settled): void;
  reject(error: unknown): void;
}

/** How often a driver is asked for results that are gone as soon as they are made. */
const MOST_LOST = 10;

/** `ctx.lab` of one attempt: asks the driver to run tasks, and waits for what becomes of them. */
export class AttemptLab implements TaskLab {
  readonly #options: AttemptLabOptions;
  /** Tells the calls of this execution from those of any other of the same attempt; most have none. */
  #name: string | undefined;
  /** Most attempts make none. */
  #calls: Map<string, Call> | undefined;
  #count = 0;
  #waiting = 0;
  #isOver = false;
  #timer: NodeJS.Timeout | undefined;
  #suspend: () => void = () => {};
  /** Resolves when the attempt has waited too long; undefined where it never will. */
  readonly suspended: Promise<void> | undefined;
  /** What the attempt puts and gets. */
  readonly objects: AttemptPuts;

  constructor(options: AttemptLabOptions) {
    this.#options = options;
    this.objects = new AttemptPuts(options.stores.objects, options.extensions, options.spec);
    if (options.suspendAfterMs !== undefined) {
      this.suspended = new Promise((resolve) => {
        this.#suspend = resolve;
      });
    }
  }

  // --- What the task calls ------------------------------------------------------------------------

  runTasks: TaskLab["runTasks"] = (tasks, options) => this.#start(tasks, options, true).results() as never;

  runTask: TaskLab["runTask"] = async (task, options) => {
    const [result] = await this.runTasks([task], options);
    return result as never;
  };

  start: TaskLab["start"] = (tasks, options) => this.#start(tasks, options, false) as never;

  #start(tasks: unknown, options: NestedRunOptions = {}, isAwaited: boolean): NestedRun {
    const started = this.#begin(tasks, options, isAwaited);
    // Whoever waits for the run hears of it; nobody has to.
    started.catch(() => {});
    const end = async () => {
      const call = await started;
      return { ...(await this.#end(call)), planned: call.planned };
    };
    return {
      results: async () => {
        const { planned, answer, values } = await end();
        const error = planned.errorOf(answer, values, this.#options.runId);
        if (error) throw error;
        return values as never;
      },
      settled: async () => {
        const { planned, answer, values } = await end();
        return planned.outcomesOf(answer, values) as never;
      },
      refs: async () => {
        const call = await started;
        const answer = await this.#answerOf(call);
        const error = call.planned.errorOf(answer, [], this.#options.runId);
        if (error) throw error;
        const { parts, targets, tasks } = call.planned;
        const keyOf = (at: number) => tasks[targets[at]].key;
        return (await Promise.all(
          answer.values.map((slot, at) => this.#refTo(slot as Slot, keyOf(at), parts?.[at])),
        )) as never;
      },
    };
  }

  async put<T>(value: T): Promise<ObjectRef<T>> {
    return (await this.objects.put(value)) as ObjectRef<T>;
  }

  async get(refs: ObjectRef<unknown> | readonly ObjectRef<unknown>[]): Promise<never> {
    const { stores, extensions } = this.#options;
    const load = async (ref: unknown) => {
      if (ref instanceof ObjectRef) return loadObject(stores.objects, (await this.objects.now(ref)).slot, extensions);
      throw new LabError(
        "invalid-option",
        "ctx.lab.get needs an ObjectRef or an array of them; run tasks with runTasks",
      );
    };
    return (await (Array.isArray(refs) ? Promise.all(refs.map(load)) : load(refs))) as never;
  }

  // --- Calls --------------------------------------------------------------------------------------

  async #begin(tasks: unknown, options: NestedRunOptions, isAwaited: boolean): Promise<Call> {
    const { tools, planning, inlineBytes, send, abort } = this.#options;
    if (this.#isOver) throw afterwards();
    if (abort.signal.aborted) throw cancelled();
    if (!tools) throw new LabError("no-nested-runs", "ctx.lab: the task was not loaded from a bundle");
    const planned = tools.plan(tasks, options, planning);
    if (this.#name === undefined) {
      this.#name = randomBytes(6).toString("hex");
      abort.signal.addEventListener("abort", () => this.#rejectAll(cancelled()), { once: true });
    }
    const call = newCall(`${this.#name}-${this.#count++}`, planned);
    this.#calls ??= new Map();
    this.#calls.set(call.name, call);
    call.isAwaited = isAwaited;
    const plan = await this.#store(planned);
    const bytes = pack(plan);
    const slot =
      bytes.byteLength <= inlineBytes
        ? { inline: bytes }
        : await putContent(this.#options.stores.objects, { chunks: [bytes], byteLength: bytes.byteLength });
    if (this.#isOver) throw afterwards();
    const { bustCache, failFast = false } = options;
    call.isSent = true;
    send({
      type: "start",
      call: call.name,
      waits: call.isAwaited,
      failFast,
      ...(bustCache === undefined ? {} : { bustCache }),
      plan: slot,
    });
    if (!bustCache) void this.#recall(call);
    return call;
  }

  /** Puts params into the object store that are too large for a message. */
  async #store({ tasks, targets }: PlannedCall): Promise<ChildPlan> {
    const { inlineBytes, stores } = this.#options;
    for (const { objects = [] } of tasks) this.objects.give(objects);
    const stored = tasks.map(async ({ key, name, version, dependencies, params, demand, policy, keepMs }) => {
      const slot: Slot =
        params.byteLength <= inlineBytes
          ? { inline: params }
          : await putContent(stores.objects, { chunks: [params], byteLength: params.byteLength });
      return { key, name, version, dependencies, params: slot, demand, policy, keepMs };
    });
    return { tasks: await Promise.all(stored), targets };
  }

  /** After an attempt that was broken off or suspended most results are there: they need no answer of the driver. */
  async #recall(call: Call): Promise<void> {
    const { recall } = this.#options;
    if (!recall) return;
    const { tasks, targets } = call.planned;
    // Whether those still count is for the driver to tell.
    if (targets.some((target) => tasks[target].keepMs !== undefined)) return;
    const values = await recall(targets.map((target) => tasks[target])).catch((): undefined[] => []);
    if (values.length < targets.length || values.includes(undefined)) return;
    const cached = values.map(() => true);
    this.receive({ type: "settled", call: call.name, values: values as Slot[], cached, failures: [] });
  }

  /** Waits for a call's end; in the eyes of the scheduler the attempt waits as long as one such wait is open. */
  async #answerOf(call: Call): Promise<Settled> {
    if (!this.#calls?.has(call.name)) return call.answer;
    if (this.#isOver) throw afterwards();
    if (!call.isAwaited) {
      call.isAwaited = true;
      if (call.isSent) this.#options.send({ type: "wait", call: call.name });
    }
    this.#wait(1);
    try {
      return await call.answer;
    } finally {
      this.#wait(-1);
    }
  }

  #wait(by: 1 | -1): void {
    this.#waiting += by;
    if (this.#isOver || this.#waiting !== (by === 1 ? 1 : 0)) return;
    this.#options.waiting?.(by === 1);
    clearTimeout(this.#timer);
    const { suspendAfterMs } = this.#options;
    if (by === 1 && suspendAfterMs !== undefined) this.#timer = setTimeout(() => this.#suspend(), suspendAfterMs);
  }

  async #end(call: Call): Promise<{ answer: Settled; values: unknown[] }> {
    for (let times = 1; ; times++) {
      const answer = await this.#answerOf(call);
      const values = await Promise.all(
        answer.values.map((slot, at) => (slot ? this.#load(slot, call.planned.parts?.[at]) : undefined)),
      );
      const keys = values.flatMap((value, position) =>
        value instanceof ObjectLostError ? [call.planned.tasks[call.planned.targets[position]].key] : [],
      );
      if (keys.length === 0) return { answer, values };
      if (times > MOST_LOST) throw values.find((value) => value instanceof ObjectLostError);
      // The driver has them made again; there is another answer then.
      if (this.#isOver) throw afterwards();
      this.#calls?.set(call.name, Object.assign(call, pending()));
      this.#options.send({ type: "lost", call: call.name, keys });
    }
  }

  async #load(slot: Slot, part: string | undefined): Promise<unknown> {
    const { stores, extensions } = this.#options;
    const { objects } = stores;
    try {
      if (part === undefined) return await loadValue(objects, slot, extensions);
      return (await loadReturn(objects, slot, part, extensions)).value;
    } catch (error) {
      if (error instanceof ObjectLostError) return error;
      throw error;
    }
  }

  async #refTo(result: Slot, by: string, part: string | undefined): Promise<ObjectRef<unknown>> {
    const { objects } = this.#options.stores;
    const slot = part === undefined ? result : slotOfReturn(await loadStored(objects, result), part, result);
    if (!("inline" in slot)) return new ObjectRef({ ...slot, by });
    const { inline } = slot;
    return new ObjectRef(
      await putContent(this.#options.stores.objects, { chunks: [inline], byteLength: inline.byteLength }),
    );
  }

  // --- What the executor is told ------------------------------------------------------------------

  /** The driver has answered. */
  receive(answer: NestedAnswer): void {
    const call = this.#calls?.get(answer.call);
    if (!call) return;
    this.#calls?.delete(answer.call);
    if (answer.type === "settled") call.resolve(answer);
    else call.reject(new LabError(answer.kind, answer.message));
  }

  #rejectAll(error: Error): void {
    for (const call of this.#calls?.values() ?? []) call.reject(error);
    this.#calls?.clear();
  }

  /** The attempt is over: nobody hears of what it has started. */
  close(): void {
    this.#isOver = true;
    clearTimeout(this.#timer);
    this.#calls?.clear();
  }
}

const cancelled = () => new LabError("cancelled", "the task was cancelled, and what it runs with it");

const afterwards = () =>
  new LabError("closed", "ctx.lab was used after its task had ended: wait for what is started before returning");

function pending(): Pick<Call, "answer" | "resolve" | "reject"> {
  let resolve: Call["resolve"] = () => {};
  let reject: Call["reject"] = () => {};
  const answer = new Promise<Settled>((onSettled, onRefused) => {
    resolve = onSettled;
    reject = onRefused;
  });
  answer.catch(() => {});
  return { answer, resolve, reject };
}

const newCall = (name: string, planned: PlannedCall): Call => ({
  name,
  planned,
  isSent: false,
  isAwaited: false,
  ...pending(),
});
