import { useCallback, useEffect, useMemo, useState } from "preact/hooks";
import { NO_FILTER, type TaskFilter } from "../model/filter.ts";
import { taskTypes } from "../model/task-types.ts";
import { timelineOf } from "../model/timeline.ts";
import type { ToldRun } from "../model/told-run.ts";
import { ActivityChart } from "./activity-chart.tsx";
import { moment } from "./format.ts";
import { GraphView } from "./graph-view.tsx";
import { RunHeader } from "./run-header.tsx";
import { Tabs } from "./tabs.tsx";
import { TaskDetail } from "./task-detail.tsx";
import { TaskList } from "./task-list.tsx";
import { TimelineView } from "./timeline-view.tsx";
import { TypeTable } from "./type-table.tsx";
import { useNow } from "./use-now.ts";
import { type KnownRun, modelOf, useRun } from "./use-run.ts";

/** A run that is followed. */
export function LivePage({ id }: { id: string }) {
  const { known, trouble } = useRun(id);
  return (
    <main class="run">
      <nav>
        <a href="#/">All runs</a>
      </nav>
      {trouble && <p role="alert">{trouble}</p>}
      {!known && !trouble && <p>Loading…</p>}
      {known && <RunView {...known} />}
    </main>
  );
}

/** A run as it was when the report was written. */
export function ReportPage({ told }: { told: ToldRun }) {
  const model = useMemo(() => modelOf(told), [told]);
  return (
    <main class="run">
      <RunView run={told.run} model={model} version={0} isReport />
    </main>
  );
}

function RunView({ run, model, version, isReport = false }: KnownRun & { isReport?: boolean }) {
  const isLive = run.status === "running" && !isReport;
  const wallClock = useNow(isLive);
  // What goes on in a report, or had nobody to end it, lasts until the last thing that is known.
  const now = isLive ? wallClock : (run.endedAt ?? model?.lastAt ?? run.startedAt);
  const [filter, setFilter] = useState<TaskFilter>(NO_FILTER);
  const [selected, setSelected] = useState<number>();
  const [tab, setTab] = useState("Tasks");
  useEffect(() => {
    document.title = `stratolab: ${run.name ?? run.id}, ${run.status}`;
  }, [run.name, run.id, run.status]);

  const types = useMemo(() => (model ? taskTypes(model) : []), [model, version]);
  const timeline = useMemo(() => model && timelineOf(model, now), [model, version, now]);
  const selectType = useCallback((type: string) => {
    setFilter((current) => ({ ...current, type: current.type === type ? undefined : type }));
    setTab("Tasks");
  }, []);

  if (!model || !timeline) {
    return (
      <>
        <RunHeader run={run} types={[]} now={now} />
        <p>Nothing is recorded of its tasks {isLive ? "yet: its driver writes them within some seconds." : "."}</p>
      </>
    );
  }
  const task = selected === undefined ? undefined : model.tasks[selected];
  const failures = model.notices.length;
  return (
    <>
      <RunHeader run={run} types={types} now={now} />
      <div class={task ? "panels with-detail" : "panels"}>
        <section class="panel graph" aria-label="Graph">
          <h2>Graph</h2>
          <GraphView
            model={model}
            version={version}
            selected={selected}
            type={filter.type}
            onTask={setSelected}
            onType={selectType}
          />
        </section>
        <section class="panel timeline" aria-label="Timeline">
          <h2>Timeline</h2>
          <ActivityChart timeline={timeline} />
          <TimelineView timeline={timeline} selected={selected} onTask={setSelected} />
        </section>
        <section class="panel list" aria-label="Tasks, types and notices">
          <Tabs names={["Tasks", "Types", `Notices (${failures})`]} selected={tab} onSelect={setTab}>
            {tab === "Tasks" && (
              <TaskList
                model={model}
                version={version}
                types={types}
                filter={filter}
                onFilter={setFilter}
                selected={selected}
                onTask={setSelected}
              />
            )}
            {tab === "Types" && <TypeTable types={types} onType={selectType} />}
            {tab.startsWith("Notices") && (
              <ol class="notices">
                {model.notices.map(({ at, text }, index) => (
                  <li key={index}>
                    <time>{moment(at)}</time> {text}
                  </li>
                ))}
                {model.notices.length === 0 && <li>The run had nothing to tell.</li>}
              </ol>
            )}
          </Tabs>
        </section>
        {task && (
          <TaskDetail
            key={task.position}
            task={task}
            model={model}
            version={version}
            now={now}
            onTask={setSelected}
            onClose={() => setSelected(undefined)}
          />
        )}
      </div>
    </>
  );
}
