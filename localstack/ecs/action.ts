import type { IncomingHttpHeaders } from "node:http";
import type { CapacityBook } from "./capacity.ts";
import type { ClientTokens } from "./client-tokens.ts";
import type { EcsFaults } from "./faults.ts";
import type { LaunchPlan } from "./launch-plan.ts";
import type { TaskLife } from "./task-life.ts";
import type { TaskStore } from "./task-store.ts";
import type { RawAnswer, Upstream } from "./upstream.ts";
import type { EcsTask } from "./wire.ts";

/** What every action works on. */
export interface StandInState {
  readonly store: TaskStore;
  readonly capacity: CapacityBook;
  /** Names of the stand-in's EC2 capacity providers. */
  readonly ec2Providers: readonly string[];
  readonly upstream: Upstream;
  readonly faults: EcsFaults;
  readonly clientTokens: ClientTokens;
  /** Gives a new ECS task its life. */
  readonly launch: (task: EcsTask, plan: LaunchPlan) => TaskLife;
}

/** One call of an action. */
export interface ActionCall<Input> {
  readonly input: Input;
  readonly headers: IncomingHttpHeaders;
  /** Passes the call on to the emulator behind the stand-in. */
  readonly forward: () => Promise<RawAnswer>;
  readonly state: StandInState;
}

/** Carries out an action; answers with its output, or with the emulator's answer as it came. */
export type Action<Input> = (call: ActionCall<Input>) => Promise<object>;

/** Marks an answer of the emulator that is passed on as it came. */
export class PassedOn {
  readonly answer: RawAnswer;

  constructor(answer: RawAnswer) {
    this.answer = answer;
  }
}
