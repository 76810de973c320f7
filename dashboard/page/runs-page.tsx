import { useEffect, useState } from "preact/hooks";
import type { RunInfo } from "../../sdk/runs.ts";
import { count, moment, spell } from "./format.ts";
import { Status, StatusBar } from "./status.tsx";
import { useNow } from "./use-now.ts";

/** The list of runs, newest first, live. */
export function RunsPage() {
  const [runs, setRuns] = useState<readonly RunInfo[]>();
  const [trouble, setTrouble] = useState<string>();
  const [text, setText] = useState("");
  useEffect(() => {
    document.title = "stratolab: runs";
    const source = new EventSource("api/runs");
    source.addEventListener("runs", ({ data }: MessageEvent<string>) => {
      setRuns(JSON.parse(data));
      setTrouble(undefined);
    });
    source.addEventListener("trouble", ({ data }: MessageEvent<string>) => setTrouble(JSON.parse(data).error));
    source.addEventListener("error", () => setTrouble("the dashboard does not answer: is it still running?"));
    return () => source.close();
  }, []);
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const shown = runs?.filter(({ id, name = "", tags, status }) => {
    const haystack = [id, name, ...tags, status].join(" ").toLowerCase();
    return words.every((word) => haystack.includes(word));
  });
  return (
    <main class="runs">
      <header>
        <h1>Runs</h1>
        <label>
          Filter{" "}
          <input
            type="search"
            placeholder="name, tag, status, id"
            value={text}
            onInput={(event) => setText(event.currentTarget.value)}
          />
        </label>
      </header>
      {trouble && <p role="alert">{trouble}</p>}
      {!shown && !trouble && <p>Loading…</p>}
      {shown?.length === 0 && <p>{runs?.length ? "No run matches." : "There are no runs here yet."}</p>}
      {shown && shown.length > 0 && <RunTable runs={shown} />}
    </main>
  );
}

/** More than so many rows at once help nobody. */
const MAX_ROWS = 300;

function RunTable({ runs }: { runs: readonly RunInfo[] }) {
  return (
    <>
      <table>
        <thead>
          <tr>
            <th>Run</th>
            <th>Status</th>
            <th>Tasks</th>
            <th class="number">Done</th>
            <th class="number">Failed</th>
            <th>Runner</th>
            <th>Began</th>
            <th class="number">Took</th>
          </tr>
        </thead>
        <tbody>
          {runs.slice(0, MAX_ROWS).map((run) => (
            <RunRow key={run.id} run={run} />
          ))}
        </tbody>
      </table>
      {runs.length > MAX_ROWS && <p>And {count(runs.length - MAX_ROWS)} older ones: filter to see them.</p>}
    </>
  );
}

function RunRow({ run }: { run: RunInfo }) {
  const { id, name, tags, status, counts, runner, startedAt, endedAt } = run;
  const now = useNow(status === "running");
  const { total, cached, done, failed } = counts;
  return (
    <tr>
      <td>
        <a href={`#/runs/${id}`}>{name ?? id}</a>
        {name !== undefined && <span class="quiet"> {id}</span>}
        {tags.map((tag) => (
          <span key={tag} class="tag">
            {tag}
          </span>
        ))}
      </td>
      <td>
        <Status of={status} />
      </td>
      <td>
        <StatusBar counts={counts} total={total} />
      </td>
      <td class="number">
        {count(done + cached)} of {count(total)}
      </td>
      <td class="number">{count(failed)}</td>
      <td>{runner}</td>
      <td>{moment(startedAt)}</td>
      <td class="number">{status === "interrupted" ? "" : spell(Math.max(0, (endedAt ?? now) - startedAt))}</td>
    </tr>
  );
}
