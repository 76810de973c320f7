import { useMemo, useState } from "preact/hooks";
import { filterTasks, type TaskFilter } from "../model/filter.ts";
import { type RunModel, TASK_STATUSES } from "../model/run-model.ts";
import { type SortKey, sortTasks } from "../model/sort.ts";
import type { TaskType } from "../model/task-types.ts";
import { count } from "./format.ts";
import { TaskTable } from "./task-table.tsx";

interface TaskListProps {
  readonly model: RunModel;
  readonly version: number;
  readonly types: readonly TaskType[];
  readonly filter: TaskFilter;
  readonly onFilter: (filter: TaskFilter) => void;
  readonly selected: number | undefined;
  readonly onTask: (position: number) => void;
}

/** The tasks that pass the filter, sorted. */
export function TaskList({ model, version, types, filter, onFilter, selected, onTask }: TaskListProps) {
  const [sort, setSort] = useState<SortKey>({ by: "order", isDescending: false });
  const tasks = useMemo(() => sortTasks(filterTasks(model, filter), sort), [model, version, filter, sort]);
  const toggled = (status: (typeof TASK_STATUSES)[number]) => {
    const statuses = new Set(filter.statuses);
    if (!statuses.delete(status)) statuses.add(status);
    onFilter({ ...filter, statuses });
  };
  return (
    <>
      <form class="filter" onSubmit={(event) => event.preventDefault()}>
        <label>
          Filter{" "}
          <input
            type="search"
            value={filter.text}
            placeholder="name, params, failure"
            onInput={(event) => onFilter({ ...filter, text: event.currentTarget.value })}
          />
        </label>
        <label>
          Type{" "}
          <select
            value={filter.type ?? ""}
            onChange={(event) => onFilter({ ...filter, type: event.currentTarget.value || undefined })}
          >
            <option value="">all</option>
            {types.map(({ name }) => (
              <option key={name} value={name}>
                {name}
              </option>
            ))}
          </select>
        </label>
        <fieldset>
          <legend class="hidden">Status</legend>
          {TASK_STATUSES.map((status) => (
            <label key={status} class={`choice is-${status}`}>
              <input type="checkbox" checked={filter.statuses.has(status)} onChange={() => toggled(status)} />
              <span class="mark" aria-hidden="true" />
              {status}
            </label>
          ))}
          <label class="choice">
            <input
              type="checkbox"
              checked={filter.retriedOnly}
              onChange={() => onFilter({ ...filter, retriedOnly: !filter.retriedOnly })}
            />
            retried
          </label>
        </fieldset>
        <output>{count(tasks.length)} tasks</output>
      </form>
      <TaskTable model={model} tasks={tasks} sort={sort} onSort={setSort} selected={selected} onTask={onTask} />
    </>
  );
}
