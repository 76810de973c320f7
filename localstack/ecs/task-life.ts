import { setTimeout as sleep } from "node:timers/promises";
import type { ContainerDriver, ContainerUsage, RunningContainer } from "./container-driver.ts";
import type { ContainerLine } from "./events.ts";
import type { EcsFaults, TaskControl } from "./faults.ts";
import type { ContainerPlan, LaunchPlan } from "./launch-plan.ts";
import { idOf } from "./new-task.ts";
import { ESSENTIAL_CONTAINER_EXITED, type TaskEvent, transition } from "./task-state.ts";
import type { EcsTask, StopCode, Tag } from "./wire.ts";

const OUT_OF_MEMORY = "OutOfMemoryError: Container killed due to memory usage";
const KEPT_LINES = 2_000;
const MIB = 1024 * 1024;

/** What an ECS task needs to live. */
export interface TaskLifeOptions {
  readonly driver: ContainerDriver;
  readonly faults: EcsFaults;
  readonly startDelayMs: number;
  /** Factor on every stop timeout. */
  readonly stopTimeoutScale: number;
  /** Variables of every container beside its own. */
  readonly environment: (container: string) => Readonly<Record<string, string>>;
  readonly onChange: (task: EcsTask) => void;
  readonly onLine: (task: EcsTask, line: ContainerLine, plan: ContainerPlan) => void;
  /** Called once, when nothing of the ECS task is left. */
  readonly onGone: () => void;
}

interface LiveContainer {
  readonly plan: ContainerPlan;
  readonly running: RunningContainer;
  /** Resolves once it has exited and its ECS task knows. */
  readonly ended: Promise<void>;
}

/**
 * Carries one ECS task through its life: waits, starts its containers, sees them end or ends them.
 * What a thing that happens means for the ECS task's state is decided in `transition`.
 */
export class TaskLife implements TaskControl {
  readonly plan: LaunchPlan;
  readonly #options: TaskLifeOptions;
  readonly #stopRequested = new AbortController();
  #task: EcsTask;
  #containers: readonly LiveContainer[] = [];
  #lines: ContainerLine[] = [];
  #gone: Promise<void> | undefined;
  #noticeMs: number | undefined;
  /** Set where a fault plays the kernel: what ECS is to tell of it. */
  #memoryKill: { readonly exitCode: number } | undefined;

  constructor(task: EcsTask, plan: LaunchPlan, options: TaskLifeOptions) {
    this.#task = task;
    this.plan = plan;
    this.#options = options;
  }

  /** The ECS task as it is now. */
  get task(): EcsTask {
    return this.#task;
  }

  /** The last lines that its containers wrote. */
  get lines(): readonly ContainerLine[] {
    return this.#lines;
  }

  /** Begins its life. The promise resolves when nothing of it is left. */
  begin(): Promise<void> {
    this.#gone ??= this.#live();
    return this.#gone;
  }

  stop(stopCode: StopCode, stoppedReason: string, noticeMs?: number): void {
    // As with its reason, the first stop's notice is the one that counts.
    if (this.#task.desiredStatus !== "STOPPED") this.#noticeMs = noticeMs;
    this.#apply({ kind: "stop-requested", at: now(), stopCode, stoppedReason });
    this.#stopRequested.abort();
  }

  kill(): void {
    for (const { running } of this.#containers) running.kill();
  }

  killForMemory(exitCode: number): void {
    this.#memoryKill = { exitCode };
    this.kill();
  }

  /** Adds tags, replacing those of the same key. */
  tag(tags: readonly Tag[]): void {
    this.untag(tags.map(({ key }) => key));
    this.#task = { ...this.#task, tags: [...this.#task.tags, ...tags] };
  }

  untag(keys: readonly string[]): void {
    this.#task = { ...this.#task, tags: this.#task.tags.filter(({ key }) => !keys.includes(key)) };
  }

  /** What one container uses now. */
  usage(container: string): ContainerUsage | undefined {
    return this.#containers.find(({ plan }) => plan.name === container)?.running.usage();
  }

  async #live(): Promise<void> {
    const stop = this.#stopRequested.signal;
    try {
      await sleep(this.#options.startDelayMs, undefined, { signal: stop }).catch(() => {});
      this.#apply({ kind: "placed", at: now() });
      if (!stop.aborted && (await this.#start())) {
        await this.#untilEnding();
        this.#apply({ kind: "stopping", at: now() });
      }
      await this.#endContainers();
    } finally {
      this.#apply({ kind: "deprovisioning", at: now() });
      this.#options.onGone();
      this.#apply({ kind: "stopped", at: now() });
    }
  }

  /** Starts the containers in their order; says whether all run. */
  async #start(): Promise<boolean> {
    const fault = this.#options.faults.onStart?.(this.#task);
    if (fault) {
      this.#apply({ kind: "start-failed", at: now(), ...fault });
      return false;
    }
    try {
      for (const plan of this.plan.containers) await this.#startContainer(plan);
    } catch (error) {
      this.#apply({ kind: "start-failed", at: now(), stoppedReason: (error as Error).message });
      return false;
    }
    const runtimeIds = Object.fromEntries(this.#containers.map(({ plan, running }) => [plan.name, running.runtimeId]));
    this.#apply({ kind: "started", at: now(), runtimeIds });
    this.#options.faults.onRunning?.(this.#task, this);
    return true;
  }

  async #startContainer(plan: ContainerPlan): Promise<void> {
    const running = await this.#options.driver.start({
      taskId: idOf(this.#task.taskArn),
      name: plan.name,
      image: plan.image,
      command: plan.command,
      environment: { ...this.#options.environment(plan.name), ...plan.environment },
      memoryBytes: plan.memory === undefined ? undefined : plan.memory * MIB,
      taskMemoryBytes: this.plan.memoryLimit === undefined ? undefined : this.plan.memoryLimit * MIB,
      onLine: (line) => this.#takeLine(line, plan),
    });
    const ended = running.exited.then((exit) => {
      const reason = exit.outOfMemory || this.#memoryKill ? OUT_OF_MEMORY : undefined;
      const exitCode = this.#memoryKill?.exitCode ?? exit.exitCode;
      const { name: container, essential } = plan;
      this.#apply({ kind: "container-exited", at: now(), container, essential, exitCode, reason });
      if (essential) this.#stopRequested.abort();
    });
    this.#containers = [...this.#containers, { plan, running, ended }];
  }

  /** Until an essential container has ended, or all have, or the ECS task is to stop. */
  async #untilEnding(): Promise<void> {
    const { signal } = this.#stopRequested;
    await Promise.race([
      Promise.all(this.#containers.map(({ ended }) => ended)),
      new Promise<void>((resolve) => {
        if (signal.aborted) resolve();
        signal.addEventListener("abort", () => resolve(), { once: true });
      }),
    ]);
    this.stop("EssentialContainerExited", ESSENTIAL_CONTAINER_EXITED);
  }

  /** SIGTERM to every container that still runs, and SIGKILL after its stop timeout. */
  async #endContainers(): Promise<void> {
    await Promise.all(
      this.#containers.map(async ({ plan, running, ended }) => {
        running.terminate();
        const delayMs = this.#noticeMs ?? plan.stopTimeoutSeconds * 1000 * this.#options.stopTimeoutScale;
        const timer = setTimeout(() => running.kill(), delayMs);
        await ended;
        clearTimeout(timer);
      }),
    );
  }

  #takeLine(line: ContainerLine, plan: ContainerPlan): void {
    this.#lines.push(line);
    if (this.#lines.length > 2 * KEPT_LINES) this.#lines = this.#lines.slice(-KEPT_LINES);
    this.#options.onLine(this.#task, line, plan);
  }

  #apply(event: TaskEvent): void {
    const task = transition(this.#task, event);
    if (task === this.#task) return;
    this.#task = task;
    this.#options.onChange(task);
  }
}

const now = (): number => Date.now() / 1000;
