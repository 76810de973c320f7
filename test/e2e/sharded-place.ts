import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Lab, type Runner } from "stratolab";
import { eventually } from "../support/scripts.ts";

/** What the tasks of `fourOf` log together. */
export const told = (lines: number) =>
  ["lambda", "ecs"]
    .flatMap((executor) =>
      [lines, lines + 1].flatMap((count) => Array.from({ length: count }, (_, n) => `${executor} ${n + 1}`)),
    )
    .sort();

/** A folder in which tasks leave lines that the library has no part in counting; its name is the namespace, too. */
export class ShardedPlace implements Disposable {
  readonly folder = mkdtempSync(join(tmpdir(), "stratolab-shards-"));
  readonly namespace = this.folder.replace(/\W/g, "");

  lab(runner: Runner): Lab {
    const tasks = new URL("./fixtures/reciting-tasks.ts", import.meta.url);
    return new Lab({ tasks, runner, namespace: this.namespace, progress: false });
  }

  lines(file: "begun" | "done"): string[] {
    const path = join(this.folder, file);
    return existsSync(path) ? readFileSync(path, "utf8").trim().split("\n") : [];
  }

  all(file: "begun" | "done"): Promise<void> {
    return eventually(() => this.lines(file).length >= 4, 60_000, `${file} of all four`);
  }

  async log(lab: Lab, id: string): Promise<string[]> {
    const lines: string[] = [];
    for await (const { text } of lab.logs(id, { task: "recite" })) lines.push(text);
    return lines.sort();
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true });
  }
}
