import { unpack } from "msgpackr";
import type { ManifestTask, RunManifest } from "./driver/manifest.ts";
import type { LabPlan, PlannedTask } from "./planning.ts";
import { recordedPlan, recordedTask } from "./recorded-plan.ts";
import type { ObjectStore } from "./stores/object-store.ts";
import { loadBytes } from "./stores/values.ts";
import type { ChronicleEvent } from "./wire/chronicle.ts";
import type { ChildPlan } from "./wire/nested.ts";

type Nested = ChronicleEvent & { readonly type: "nested" };

/**
 * The plan of a run as its chronicle lets it grow: what its tasks run stands behind what was asked for, in the order
 * it came. Each driver counts its own, so events are told again here with positions that mean one task for good.
 */
export class GrowingPlan implements LabPlan {
  readonly tasks: PlannedTask[];
  readonly targets: readonly number[];
  readonly parts: LabPlan["parts"];
  /** Position of the task that was the first to run it, by position: those that no task runs are not in it. */
  readonly parents = new Map<number, number>();
  readonly #objects: ObjectStore;
  /** How many tasks the manifest has. */
  readonly #own: number;
  readonly #byKey: Map<string, number>;
  /** Positions here by those of the present driver, behind the manifest's. */
  #here = new Map<number, number>();
  #waiting: readonly ChronicleEvent[] = [];

  constructor(manifest: RunManifest, objects: ObjectStore) {
    const { tasks, targets, parts } = recordedPlan(manifest);
    this.tasks = [...tasks];
    this.targets = targets;
    this.parts = parts;
    this.#objects = objects;
    this.#own = tasks.length;
    this.#byKey = new Map(tasks.map(({ key }, position) => [key, position]));
  }

  /**
   * Takes in what has happened, in order. What cannot be read now is not lost: it comes with the next call.
   *
   * @returns The same with positions in this plan.
   */
  async take(events: readonly ChronicleEvent[]): Promise<ChronicleEvent[]> {
    this.#waiting = [...this.#waiting, ...events];
    const plans = await Promise.all(
      this.#waiting.map(async (event) =>
        event.type === "nested" ? (unpack(await loadBytes(this.#objects, event.plan)) as ChildPlan) : undefined,
      ),
    );
    const waiting = this.#waiting;
    this.#waiting = [];
    return waiting.flatMap((event, index) => this.#told(event, plans[index]) ?? []);
  }

  #told(event: ChronicleEvent, plan: ChildPlan | undefined): ChronicleEvent | undefined {
    switch (event.type) {
      case "driven":
        this.#here = new Map();
        return event;
      case "nested":
        return this.#grown(event, plan as ChildPlan);
      case "dispatched":
        return { ...event, tasks: event.tasks.map((task) => this.#positionOf(task)) };
      case "failed": {
        const blocking = event.blockedBy === undefined ? {} : { blockedBy: this.#positionOf(event.blockedBy) };
        return { ...event, task: this.#positionOf(event.task), ...blocking };
      }
      case "retried":
      case "suspended":
      case "done":
      case "reopened":
      case "log":
        return event.task < this.#own ? event : { ...event, task: this.#positionOf(event.task) };
      default:
        return event;
    }
  }

  #grown(event: Nested, plan: ChildPlan): Nested {
    const parent = this.#positionOf(event.parent);
    const positions: number[] = [];
    plan.tasks.forEach((child, index) => {
      const local = event.positions[index];
      const known = local < this.#own ? local : (this.#here.get(local) ?? this.#byKey.get(child.key));
      const dependencies = child.dependencies.map((dependency) => positions[dependency]);
      const position = known ?? this.#add({ ...(child as ManifestTask), dependencies }, parent);
      if (local >= this.#own) this.#here.set(local, position);
      positions.push(position);
    });
    return { ...event, parent, positions };
  }

  #add(recorded: ManifestTask, parent: number): number {
    const position = this.tasks.length;
    this.tasks.push(recordedTask(recorded, (key) => this.tasks[this.#byKey.get(key) ?? -1]?.task));
    this.#byKey.set(recorded.key, position);
    this.parents.set(position, parent);
    return position;
  }

  #positionOf(position: number): number {
    return position < this.#own ? position : (this.#here.get(position) ?? position);
  }
}
