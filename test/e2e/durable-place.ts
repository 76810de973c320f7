import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { aws, Lab, type ProgressEvent, type Runner } from "stratolab";
import { openAwsStores } from "../../sdk/stores/aws/open.ts";
import { StackOutput } from "../../sdk/wire/stack-outputs.ts";
import { eventually, type RunningScript, runScript } from "../support/scripts.ts";
import { thisStack } from "../support/this-stack.ts";

/** What a script says first. */
export const firstLine = ({ child, ended }: RunningScript) =>
  new Promise<string>((resolve, reject) => {
    child.stdout?.once("data", (text) => resolve(String(text).trim()));
    void ended.then(({ stderr }) => reject(new Error(stderr)));
  });

export const openStores = () => {
  const { outputs } = thisStack();
  const [table, bucket] = [outputs[StackOutput.table] as string, outputs[StackOutput.bucket] as string];
  return openAwsStores({ kind: "aws", table, bucket });
};

/** A namespace of its own, and a folder in which tasks leave lines that the library has no part in counting. */
export class Place implements AsyncDisposable {
  readonly folder = mkdtempSync(join(tmpdir(), "stratolab-durable-"));
  readonly namespace = this.folder.replace(/\W/g, "");
  readonly events: ProgressEvent[] = [];
  readonly #labs: Lab[] = [];

  constructor() {
    for (const name of ["begun", "done"]) writeFileSync(join(this.folder, name), "");
  }

  lab(options: { runner?: Runner } = {}): Lab {
    return this.#lab({ tasks: new URL("../sdk/fixtures/lab-tasks.ts", import.meta.url), runner: aws(), ...options });
  }

  /** A lab as somebody has it who comes along later: without the tasks. */
  onlooker(): Lab {
    return this.#lab({ runner: aws() });
  }

  #lab(options: { tasks?: URL; runner: Runner }): Lab {
    const progress = (event: ProgressEvent) => void this.events.push(event);
    // Six tests at once share the ten environments of a new account, drivers included.
    const lab = new Lab({ namespace: this.namespace, concurrency: 2, handleInterrupt: false, progress, ...options });
    this.#labs.push(lab);
    return lab;
  }

  lines(name: "begun" | "done"): string[] {
    return readFileSync(join(this.folder, name), "utf8").split("\n").filter(Boolean);
  }

  begun(count: number): Promise<void> {
    return eventually(() => this.lines("begun").length >= count, 60_000, `the beginning of ${count} attempts`);
  }

  notices(): string {
    return this.events.flatMap((event) => (event.type === "notice" ? [event.text] : [])).join("\n");
  }

  /** Starts a script that runs `count` counted tasks, and gives the id of its run. */
  async script(count: number, ms: number, detachAfter = 0, task = "counted") {
    const args = [this.folder, String(count), String(ms), String(detachAfter), "aws", task];
    const script = runScript("sdk/fixtures/interrupted-run.ts", args, { MARK: this.folder });
    return { ...script, id: await firstLine(script) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#labs.map((lab) => lab.close()));
    rmSync(this.folder, { recursive: true });
  }
}
