import type { CapacityChoice } from "./capacity-choice.ts";
import type { EcsError } from "./ecs-error.ts";
import type { LaunchPlan } from "./launch-plan.ts";
import type { EcsTask, RunTaskInput, StopCode } from "./wire.ts";

/** An ECS task that cannot start. */
export interface StartFault {
  /** AWS's words, such as `CannotPullContainerError: …`. */
  readonly stoppedReason: string;
  /** Show it without any container, as AWS sometimes does. @default false */
  readonly withoutContainers?: boolean;
}

/** What a fault may do to a running ECS task. */
export interface TaskControl {
  /** SIGTERM, and SIGKILL after `noticeMs`, else the stop timeout, under this code and reason. */
  stop(stopCode: StopCode, stoppedReason: string, noticeMs?: number): void;
  /** SIGKILL to every process, as a crash would. */
  kill(): void;
  /** SIGKILL to every process, as the kernel does for want of memory; ECS then tells this exit code. */
  killForMemory(exitCode: number): void;
}

/** Where the stand-in asks what is to go wrong. Each place has a default of "nothing". */
export interface EcsFaults {
  /** Before an action is carried out: the error to answer with instead, such as a throttle. */
  onCall?(action: string, input: object): EcsError | undefined;
  /** Before an ECS task gets its place: AWS's reason for the answer's `failures`. */
  onPlace?(plan: LaunchPlan, input: RunTaskInput, capacity: CapacityChoice): string | undefined;
  /** When RunTask has placed it: of many, in the order of the calls. */
  onLaunch?(task: EcsTask): void;
  /** Before an ECS task's containers start. */
  onStart?(task: EcsTask): StartFault | undefined;
  /** Once its containers run. */
  onRunning?(task: EcsTask, control: TaskControl): void;
  /** Whenever an ECS task is described: what to show instead of the truth; `undefined`: it is MISSING. */
  onDescribe?(task: EcsTask): EcsTask | undefined;
}

/** All of several sources of faults: the first that has one to commit commits it. */
export function combineFaults(...sources: readonly EcsFaults[]): EcsFaults {
  return {
    onCall: (action, input) => first(sources, (each) => each.onCall?.(action, input)),
    onPlace: (plan, input, capacity) => first(sources, (each) => each.onPlace?.(plan, input, capacity)),
    onLaunch: (task) => {
      for (const each of sources) each.onLaunch?.(task);
    },
    onStart: (task) => first(sources, (each) => each.onStart?.(task)),
    onRunning: (task, control) => {
      for (const each of sources) each.onRunning?.(task, control);
    },
    onDescribe: (task) =>
      sources.reduce<EcsTask | undefined>(
        (shown, each) => (shown && each.onDescribe ? each.onDescribe(shown) : shown),
        task,
      ),
  };
}

function first<T>(sources: readonly EcsFaults[], ask: (source: EcsFaults) => T | undefined): T | undefined {
  for (const source of sources) {
    const fault = ask(source);
    if (fault !== undefined) return fault;
  }
  return undefined;
}
