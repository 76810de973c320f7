import type { EcsError } from "./ecs-error.ts";
import type { LaunchPlan } from "./launch-plan.ts";
import type { EcsTask, RunTaskInput, StopCode } from "./wire.ts";

/** An ECS task that cannot start. */
interface StartFault {
  /** AWS's words, such as `CannotPullContainerError: …`. */
  readonly stoppedReason: string;
  /** Show it without any container, as AWS sometimes does. @default false */
  readonly withoutContainers?: boolean;
}

/** What a fault may do to a running ECS task. */
export interface TaskControl {
  /** SIGTERM, and SIGKILL after the stop timeout, under this code and reason. */
  stop(stopCode: StopCode, stoppedReason: string): void;
  /** SIGKILL to every process, as a crash would. */
  kill(): void;
}

/** Where the stand-in asks what is to go wrong. Each place has a default of "nothing". */
export interface EcsFaults {
  /** Before an action is carried out: the error to answer with instead, such as a throttle. */
  onCall?(action: string, input: object): EcsError | undefined;
  /** Before an ECS task gets its place: AWS's reason for the answer's `failures`. */
  onPlace?(plan: LaunchPlan, input: RunTaskInput): string | undefined;
  /** Before an ECS task's containers start. */
  onStart?(task: EcsTask): StartFault | undefined;
  /** Once its containers run. */
  onRunning?(task: EcsTask, control: TaskControl): void;
  /** Whenever an ECS task is described: what to show instead of the truth. */
  onDescribe?(task: EcsTask): EcsTask;
}
