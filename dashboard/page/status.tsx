import { TASK_STATUSES, type TaskStatus } from "../model/run-model.ts";
import { count } from "./format.ts";

/** A status as a mark and a word: colour alone says nothing to some. */
export const Status = ({ of }: { of: string }) => (
  <span class={`status is-${of}`}>
    <span class="mark" aria-hidden="true" />
    {of}
  </span>
);

/** Counts by status as one bar, with the numbers as its name. */
export function StatusBar({ counts, total }: { counts: Readonly<Record<TaskStatus, number>>; total: number }) {
  const present = TASK_STATUSES.filter((status) => counts[status] > 0);
  const label = present.map((status) => `${count(counts[status])} ${status}`).join(", ");
  return (
    <div class="status-bar" role="img" aria-label={label || "no tasks"} title={label}>
      {["done", "cached", "failed", "cancelled", "running"]
        .map((status) => status as TaskStatus)
        .map((status) => (
          <span
            key={status}
            class={`is-${status}`}
            style={{ width: `${(100 * counts[status]) / Math.max(1, total)}%` }}
          />
        ))}
    </div>
  );
}
