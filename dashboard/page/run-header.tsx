import type { RunInfo } from "../../sdk/runs.ts";
import { TASK_STATUSES } from "../model/run-model.ts";
import { noCounts, type TaskType } from "../model/task-types.ts";
import { count, dollars, moment, spell } from "./format.ts";
import { Status, StatusBar } from "./status.tsx";

/** What one wants to know first of a run. */
export function RunHeader({ run, types, now }: { run: RunInfo; types: readonly TaskType[]; now: number }) {
  const { id, name, tags, status, runner, driver, startedAt, endedAt } = run;
  const counts = noCounts();
  let [total, retries] = [0, 0];
  let costUsd: number | undefined;
  for (const type of types) {
    for (const each of TASK_STATUSES) counts[each] += type.counts[each];
    total += type.total;
    retries += type.retries;
    if (type.costUsd !== undefined) costUsd = (costUsd ?? 0) + type.costUsd;
  }
  if (types.length === 0) {
    total = run.counts.total;
    for (const each of TASK_STATUSES) counts[each] = run.counts[each];
  }
  const facts: readonly (readonly [what: string, is: string])[] = [
    ["tasks", count(total)],
    ...TASK_STATUSES.map((each) => [each, counts[each] > 0 ? count(counts[each]) : ""] as const),
    ["retries", count(retries)],
    ["took", spell(Math.max(0, (endedAt ?? now) - startedAt))],
    ["cost", dollars(costUsd)],
  ];
  return (
    <header class="run-header">
      <h1>{name ?? id}</h1>
      <Status of={status} />
      {tags.map((tag) => (
        <span key={tag} class="tag">
          {tag}
        </span>
      ))}
      <span class="quiet">
        {name === undefined ? "" : `${id} · `}
        {runner} · began {moment(startedAt)} · driven by {driver.host}, process {driver.pid}
      </span>
      <StatusBar counts={counts} total={total} />
      <dl class="facts">
        {facts
          .filter(([, is]) => is !== "")
          .map(([what, is]) => (
            <div key={what}>
              <dt>{what}</dt>
              <dd>{is}</dd>
            </div>
          ))}
      </dl>
    </header>
  );
}
