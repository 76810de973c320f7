import type { Agenda } from "./agenda.ts";
import type { Onlooker } from "./driver.ts";

/** What happened, a line each, to be read by whoever looks for the cause of a violation. */
export class History {
  readonly lines: string[] = [];
  readonly #agenda: Agenda;
  readonly #isKept: boolean;

  constructor(agenda: Agenda, isKept: boolean) {
    this.#agenda = agenda;
    this.#isKept = isKept;
  }

  note(what: string): void {
    if (this.#isKept) this.lines.push(`${String(this.#agenda.now).padStart(8)} ms  ${what}`);
  }

  /** The same onlooker, with everything it sees written down first. */
  beside(onlooker: Onlooker, life: number): Onlooker {
    if (!this.#isKept) return onlooker;
    return {
      opened: (run, wanted, tasks) => {
        this.note(`life ${life}: run ${run} is opened: ${JSON.stringify(wanted)}`);
        onlooker.opened(run, wanted, tasks);
      },
      nested: (run, parent, targets, tasks) => {
        this.note(`life ${life}: task ${parent} opens run ${run}: ${JSON.stringify(targets)}`);
        onlooker.nested(run, parent, targets, tasks);
      },
      adopted: (assignment, task, lane, where) => {
        this.note(`life ${life}: takes task ${task} over, in ${lane.name}, as assignment ${assignment}`);
        onlooker.adopted(assignment, task, lane, where);
      },
      begun: (attempts) => onlooker.begun(attempts),
      event: (event) => {
        if (event.type !== "tick") this.note(`-> ${write(event)}`);
        onlooker.event(event);
      },
      command: (command) => {
        this.note(`   <- ${write(command)}`);
        onlooker.command(command);
      },
      delivered: (run, position, value) => {
        this.note(`run ${run} is given task ${position}: ${value ?? "failed"}`);
        onlooker.delivered(run, position, value);
      },
      told: (missing) => {
        this.note(`a parent is told that it has no results of ${JSON.stringify(missing)}`);
        onlooker.told(missing);
      },
      afterStep: () => onlooker.afterStep(),
    };
  }
}

/** `dispatch {"assignment":0,…}`, with lanes by name. */
function write({ type, ...rest }: { readonly type: string }): string {
  const text = JSON.stringify(rest, (key, value) => (key === "lane" ? (value as { name: string }).name : value));
  return `${type} ${text}`;
}
