import type { Assignment, AttemptSpec } from "../sdk/wire/attempt.ts";
import type { LiveUsage } from "../sdk/wire/live-usage.ts";
import type { NestedAnswer } from "../sdk/wire/nested.ts";
import { Deal } from "./deal.ts";
import { treeMemory } from "./memory.ts";
import {
  type AssignmentEnd,
  type AssignmentListener,
  ProcessKeeper,
  type ProcessKeeperOptions,
  type WorkEnd,
} from "./process-keeper.ts";

/** How often memory and deadlines are looked at by default, in milliseconds. */
const POLL_MS = 100;
/** Memory that is left to the kernel by default: the supervisor and its processes must stay under the rest. */
const MARGIN_MB = 24;
const MARGIN_SHARE = 0.05;

/** The assignment being worked on. */
interface Work {
  readonly assignment: Assignment;
  readonly listener: AssignmentListener;
  readonly deal: Deal;
  readonly since: number;
  readonly reported: Set<number>;
  /** Processes with work of it. */
  readonly busy: Set<ProcessKeeper>;
  /** Which process has asked for what. */
  readonly callers: Map<string, ProcessKeeper>;
  /** It is over as a whole. */
  end: AssignmentEnd | undefined;
  /** Somebody ends the processes, and all that they work on. */
  isStopped: boolean;
  resolve(end: AssignmentEnd): void;
}

/**
 * Stands above the executor processes of an executor in the cloud, and stays responsive when user code does not. One
 * process works off an assignment by itself; where several attempts may run at once, as many take pieces of it, and
 * one that dies takes along what it was executing, and nothing else.
 */
export class Supervisor {
  readonly #options: ProcessKeeperOptions;
  readonly #crew: ProcessKeeper[];
  #keepers = 1;
  #work: Work | undefined;

  /** @param options `id`: names the executor in evidence, and marks its processes. */
  constructor(options: ProcessKeeperOptions) {
    this.#options = options;
    this.#crew = [new ProcessKeeper(options)];
  }

  /** Starts a process ahead of the first assignment. */
  prepare(): void {
    this.#crew[0].prepare();
  }

  /**
   * Works off one assignment.
   *
   * @param deadline When the service ends this executor, in milliseconds since the epoch.
   */
  async run(
    assignment: Assignment,
    listener: AssignmentListener,
    deadline = Number.POSITIVE_INFINITY,
  ): Promise<AssignmentEnd> {
    const { atOnce = 1, attempts, memoryMonitor } = assignment;
    // What one has to itself is all of the memory; those that may be needed again stay.
    for (const keeper of this.#crew.splice(atOnce)) keeper.stop();
    const { pollMs = POLL_MS } = memoryMonitor || {};
    const timer = setInterval(() => this.#watch(deadline), pollMs);
    try {
      return await new Promise<AssignmentEnd>((resolve) => {
        const work: Work = {
          assignment,
          listener: {
            ...listener,
            report: (report) => {
              work.reported.add(report.task);
              listener.report(report);
            },
          },
          deal: new Deal(attempts, atOnce),
          since: Date.now(),
          reported: new Set(),
          busy: new Set(),
          callers: new Map(),
          end: undefined,
          isStopped: false,
          resolve,
        };
        this.#work = work;
        // The first one takes its work along while it starts; the others take some when they can begin with it.
        void this.#workOff(this.#crew[0], work);
        for (let index = 1; index < atOnce && work.deal.left >= index; index++) this.#join(index, work);
      });
    } finally {
      clearInterval(timer);
      this.#work = undefined;
    }
  }

  #join(index: number, work: Work): void {
    this.#crew[index] ??= new ProcessKeeper({ ...this.#options, id: `${this.#options.id}+${this.#keepers++}` });
    const keeper = this.#crew[index];
    void keeper.ready(work.assignment).then((isReady) => {
      if (isReady && this.#work === work && work.deal.left > 0) void this.#workOff(keeper, work);
    });
  }

  /** Takes one piece after another, until there is none. */
  async #workOff(keeper: ProcessKeeper, work: Work): Promise<void> {
    const { assignment, deal, busy, callers } = work;
    const listener: AssignmentListener = {
      ...work.listener,
      nested: (message) => {
        callers.set(message.request.call, keeper);
        work.listener.nested(message);
      },
    };
    busy.add(keeper);
    while (deal.left > 0) {
      const piece = deal.take();
      const since = performance.now();
      const end = await keeper.run({ ...assignment, attempts: piece }, listener);
      if (end.broken) this.#broken(keeper, piece, end, work);
      else deal.took(piece.length, performance.now() - since);
    }
    busy.delete(keeper);
    if (busy.size === 0) work.resolve(work.end ?? {});
  }

  /** A process has died over its work. */
  #broken(keeper: ProcessKeeper, piece: readonly AttemptSpec[], end: WorkEnd, work: Work): void {
    const { broken, atServiceLimit, isKilled } = end;
    if (!broken || work.end) return;
    const { culprit: task, ...failure } = broken;
    const open = piece.filter((spec) => !work.reported.has(spec.task));
    const culprit = open.find((spec) => spec.task === task);
    const isCommon = broken.kind === "start-failed" || broken.kind === "setup-failed" || atServiceLimit;
    const isAlone = work.assignment.attempts.length === 1 || (work.assignment.atOnce ?? 1) === 1;
    if (isAlone || isCommon || work.isStopped || !culprit) {
      const isOnly = isAlone || work.busy.size === 1;
      work.end = { broken: isOnly ? broken : failure, ...(atServiceLimit ? { atServiceLimit } : {}) };
      work.deal.clear();
      for (const other of work.busy) if (other !== keeper) other.stop();
      return;
    }
    const isShort = broken.kind === "out-of-memory" || isKilled;
    const isCrowded = isShort && this.#crew.some((other) => other !== keeper && other.pid !== undefined);
    const outcome = isCrowded ? { ...failure, crowded: true as const } : failure;
    work.listener.report({ task: culprit.task, attempt: culprit.attempt, outcome });
    work.deal.giveBack(open.filter((spec) => spec !== culprit));
  }

  /** Looks whether attempts have to end. */
  #watch(deadline: number): void {
    const work = this.#work;
    if (!work) return;
    const now = Date.now();
    if (now > deadline - noticeBeforeMs(deadline, work.since)) this.notice("the service is about to end the executor");
    if (now > deadline) {
      const failure = { kind: "timeout", seen: "cut at the longest that the service allows" } as const;
      for (const keeper of work.busy) keeper.end(failure, true);
      return;
    }
    const used = this.#crew.map(({ pid }) => (pid === undefined ? 0 : treeMemory(pid)));
    const total = used.reduce((sum, bytes) => sum + bytes, 0);
    const limitBytes = memoryLimitMb(this.#options.memoryMb, work.assignment.memoryMonitor) * 2 ** 20;
    const isRunning = this.#crew.map((keeper) => keeper.runningSince !== undefined);
    const largest = Math.max(...used.map((bytes, index) => (isRunning[index] ? bytes : 0)));
    for (const [index, keeper] of this.#crew.entries()) {
      // What the others have is not there for it; the largest makes room for them.
      const isLargest = isRunning[index] && used[index] === largest;
      const ownBytes = limitBytes > 0 && isLargest ? Math.max(1, limitBytes - (total - used[index])) : 0;
      keeper.watch(now, used[index], ownBytes);
    }
  }

  /** Tells the running tasks, each once, that their executor is about to be taken away. */
  notice(reason: string): void {
    for (const keeper of this.#crew) keeper.notice(reason);
  }

  /** Tells attempts that nobody waits for them; what still runs after the grace is ended. */
  cancel(assignmentId: string, tasks: readonly number[], graceMs: number): void {
    const work = this.#work;
    if (work?.assignment.id !== assignmentId) return;
    for (const { task, attempt } of work.deal.drop(tasks)) {
      work.listener.report({ task, attempt, outcome: { kind: "cancelled", seen: "cancelled before it began" } });
    }
    for (const keeper of this.#crew) keeper.cancel(assignmentId, tasks, graceMs);
  }

  /** Passes on what became of tasks that a running one runs. */
  answer(assignmentId: string, answer: NestedAnswer): void {
    this.#work?.callers.get(answer.call)?.answer(assignmentId, answer);
  }

  /** What the task uses at this moment that has run longest. */
  get usage(): LiveUsage | undefined {
    const running = this.#crew.filter(({ runningSince }) => runningSince !== undefined);
    return running.sort((one, other) => (one.runningSince ?? 0) - (other.runningSince ?? 0))[0]?.usage;
  }

  /** Ends the processes, and whatever they are working on. */
  stop(): void {
    if (this.#work) this.#work.isStopped = true;
    for (const keeper of this.#crew) keeper.stop();
  }
}

/** How long before a deadline a task is told of it: a tenth of the time there was, 5 s to 60 s. */
function noticeBeforeMs(deadline: number, since: number): number {
  return Math.min(60_000, Math.max(5_000, (deadline - since) / 10));
}

/** Memory that the process below may use, in MB, of an executor of this size; 0 for no bound of ours. */
function memoryLimitMb(memoryMb: number, monitor: Assignment["memoryMonitor"]): number {
  if (monitor === false) return 0;
  const marginMb = monitor?.marginMb ?? Math.max(MARGIN_MB, memoryMb * MARGIN_SHARE);
  const supervisorMb = process.memoryUsage.rss() / 2 ** 20;
  return Math.max(32, memoryMb - supervisorMb - marginMb);
}
