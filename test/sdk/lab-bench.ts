import { existsSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Lab, type LabOptions, type ProgressEvent } from "stratolab";
import { eventually } from "../support/scripts.ts";

/** Labs over one folder of results, and what they tell, as long as `await using` keeps it. */
export class LabBench implements AsyncDisposable {
  readonly folder = mkdtempSync(join(tmpdir(), "stratolab-lab-"));
  readonly file = join(this.folder, "executions");
  readonly events: ProgressEvent[] = [];
  readonly #labs: Lab[] = [];

  /** A lab of its own on the fixture's tasks, in this process unless it is told otherwise. */
  lab(options: Partial<LabOptions> = {}): Lab {
    return this.#lab({ tasks: new URL("fixtures/lab-tasks.ts", import.meta.url), runner: "inline", ...options });
  }

  /** A lab as somebody has it who comes along later: without the tasks. */
  onlooker(): Lab {
    return this.#lab({ runner: "local" });
  }

  #lab(options: LabOptions): Lab {
    const lab = new Lab({
      concurrency: 2,
      storage: join(this.folder, "storage"),
      progress: (event) => this.events.push(event),
      ...options,
    });
    this.#labs.push(lab);
    return lab;
  }

  /** Lines that tasks have left in a file of the folder since the last look. */
  lines(name = "executions"): string[] {
    const file = join(this.folder, name);
    const text = existsSync(file) ? readFileSync(file, "utf8") : "";
    return text.split("\n").filter(Boolean);
  }

  /** Lets a gated task end. */
  open(id: number): void {
    writeFileSync(join(this.folder, `open-${id}`), "");
  }

  /** Resolves when so many gated tasks have begun. */
  begun(count: number): Promise<void> {
    return eventually(() => this.lines("begun").length >= count, 20_000, `the beginning of ${count} tasks`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#labs.map((lab) => lab.close()));
    await rm(this.folder, { recursive: true, force: true });
  }
}
