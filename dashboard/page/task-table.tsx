import { useLayoutEffect, useRef, useState } from "preact/hooks";
import type { RunModel, TaskModel } from "../model/run-model.ts";
import { depthOf, lastAttempt, type SortKey, tookMs, waitedMs } from "../model/sort.ts";
import { megabytes, spell } from "./format.ts";
import { Status } from "./status.tsx";

const ROW_HEIGHT = 26;
/** Rows beyond the edges that are there already when one scrolls. */
const MARGIN_ROWS = 8;

const COLUMNS: readonly (readonly [by: SortKey["by"], heading: string, isNumber: boolean])[] = [
  ["status", "Status", false],
  ["task", "Task", false],
  ["attempts", "Attempts", true],
  ["waited", "Waited", true],
  ["took", "Took", true],
  ["memory", "Memory", true],
];

interface TaskTableProps {
  readonly model: RunModel;
  readonly tasks: readonly TaskModel[];
  readonly sort: SortKey;
  readonly onSort: (sort: SortKey) => void;
  readonly selected: number | undefined;
  readonly onTask: (position: number) => void;
}

/** A table of any number of tasks, of which only the rows in sight exist. Arrows move, Enter opens. */
export function TaskTable({ model, tasks, sort, onSort, selected, onTask }: TaskTableProps) {
  const grid = useRef<HTMLDivElement>(null);
  const [view, setView] = useState({ top: 0, height: 400 });
  const [cursor, setCursor] = useState(0);
  useLayoutEffect(() => {
    const element = grid.current;
    if (!element) return;
    const look = () => setView({ top: element.scrollTop, height: element.clientHeight - ROW_HEIGHT });
    const observer = new ResizeObserver(look);
    observer.observe(element);
    element.addEventListener("scroll", look, { passive: true });
    return () => {
      observer.disconnect();
      element.removeEventListener("scroll", look);
    };
  }, []);

  const first = Math.max(0, Math.floor(view.top / ROW_HEIGHT) - MARGIN_ROWS);
  const last = Math.min(tasks.length, Math.ceil((view.top + view.height) / ROW_HEIGHT) + MARGIN_ROWS);
  const at = Math.min(cursor, tasks.length - 1);

  const goTo = (row: number) => {
    const next = Math.max(0, Math.min(tasks.length - 1, row));
    setCursor(next);
    const element = grid.current;
    if (!element) return;
    const top = next * ROW_HEIGHT;
    if (top < element.scrollTop) element.scrollTop = top;
    // The headings cover one row.
    const bottom = top + 2 * ROW_HEIGHT - element.clientHeight;
    if (bottom > element.scrollTop) element.scrollTop = bottom;
  };
  const onKeyDown = (event: KeyboardEvent) => {
    // The headings are buttons: Enter is theirs there.
    if (event.target !== grid.current) return;
    const page = Math.max(1, Math.floor(view.height / ROW_HEIGHT) - 1);
    const to = {
      ArrowDown: at + 1,
      ArrowUp: at - 1,
      PageDown: at + page,
      PageUp: at - page,
      Home: 0,
      End: tasks.length - 1,
    }[event.key];
    if (to !== undefined) goTo(to);
    else if (event.key === "Enter" && tasks[at]) onTask(tasks[at].position);
    else return;
    event.preventDefault();
  };
  const sortBy = (by: SortKey["by"], isNumber: boolean) => {
    // Of numbers one looks for the largest first; the third click brings the run's own order back.
    const isNew = sort.by !== by;
    if (isNew) onSort({ by, isDescending: isNumber });
    else if (sort.isDescending === isNumber) onSort({ by, isDescending: !isNumber });
    else onSort({ by: "order", isDescending: false });
  };

  return (
    <div
      ref={grid}
      class="grid"
      role="grid"
      aria-label="Tasks: arrows move, Enter opens"
      aria-rowcount={tasks.length + 1}
      aria-colcount={COLUMNS.length}
      aria-activedescendant={tasks[at] && at >= first && at < last ? `task-${tasks[at].position}` : undefined}
      tabIndex={0}
      onKeyDown={onKeyDown}
    >
      <div role="rowgroup" class="head">
        <div role="row" class="row" aria-rowindex={1}>
          {COLUMNS.map(([by, heading, isNumber]) => (
            <div
              key={by}
              role="columnheader"
              class={isNumber ? "number" : ""}
              aria-sort={sort.by !== by ? "none" : sort.isDescending ? "descending" : "ascending"}
            >
              <button type="button" class="link" onClick={() => sortBy(by, isNumber)}>
                {heading}
                {sort.by === by && <span aria-hidden="true">{sort.isDescending ? " ↓" : " ↑"}</span>}
              </button>
            </div>
          ))}
        </div>
      </div>
      <div role="rowgroup" class="body" style={{ height: `${Math.max(1, tasks.length) * ROW_HEIGHT}px` }}>
        {tasks.slice(first, last).map((task, index) => (
          <TaskRow
            key={task.position}
            task={task}
            depth={sort.by === "order" ? depthOf(model, task) : 0}
            row={first + index}
            isSelected={task.position === selected}
            isAtCursor={first + index === at}
            onTask={() => {
              setCursor(first + index);
              onTask(task.position);
            }}
          />
        ))}
        {tasks.length === 0 && (
          <div role="row" class="row">
            <div role="gridcell" class="all">
              No task passes the filter.
            </div>
          </div>
        )}
      </div>
    </div>
  );
}

interface TaskRowProps {
  readonly task: TaskModel;
  /** How far below the tasks asked for it stands. */
  readonly depth: number;
  readonly row: number;
  readonly isSelected: boolean;
  readonly isAtCursor: boolean;
  readonly onTask: () => void;
}

function TaskRow({ task, depth, row, isSelected, isAtCursor, onTask }: TaskRowProps) {
  const last = lastAttempt(task);
  return (
    <div
      role="row"
      id={`task-${task.position}`}
      class={`row${isAtCursor ? " at-cursor" : ""}`}
      aria-rowindex={row + 2}
      aria-selected={isSelected}
      style={{ transform: `translateY(${row * ROW_HEIGHT}px)` }}
      onClick={onTask}
    >
      <div role="gridcell">
        <Status of={task.status} />
      </div>
      <div role="gridcell" class="task" title={`${task.name}(${task.params})`}>
        {depth > 0 && <span class="quiet">{"\u00a0\u00a0".repeat(Math.min(depth, 12))}↳ </span>}
        {task.name}
        <span class="quiet">({task.params})</span>
      </div>
      <div role="gridcell" class="number">
        {task.attempts.length || ""}
      </div>
      <div role="gridcell" class="number">
        {spell(waitedMs(last))}
      </div>
      <div role="gridcell" class="number">
        {spell(tookMs(last))}
      </div>
      <div role="gridcell" class="number">
        {megabytes(last?.peakMemoryMb)}
      </div>
    </div>
  );
}
