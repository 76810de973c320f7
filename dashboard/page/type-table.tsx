import type { TaskType } from "../model/task-types.ts";
import { count, dollars, megabytes, spell } from "./format.ts";
import { StatusBar } from "./status.tsx";

/** The run by task type: how it stands, what it took and what it cost. */
export function TypeTable({ types, onType }: { types: readonly TaskType[]; onType: (name: string) => void }) {
  const hasCosts = types.some(({ costUsd }) => costUsd !== undefined);
  return (
    <section class="types" aria-label="Task types" tabIndex={0}>
      <table>
        <thead>
          <tr>
            <th>Type</th>
            <th>Status</th>
            <th class="number">Tasks</th>
            <th class="number">Cached</th>
            <th class="number">Failed</th>
            <th class="number">Retries</th>
            <th class="number">Median</th>
            <th class="number">In all</th>
            <th class="number">CPU</th>
            <th class="number">Peak memory</th>
            {hasCosts && <th class="number">Cost</th>}
          </tr>
        </thead>
        <tbody>
          {types.map(({ name, total, counts, retries, medianMs, busyMs, cpuMs, peakMemoryMb, costUsd }) => (
            <tr key={name}>
              <td>
                <button type="button" class="link" onClick={() => onType(name)}>
                  {name}
                </button>
              </td>
              <td>
                <StatusBar counts={counts} total={total} />
              </td>
              <td class="number">{count(total)}</td>
              <td class="number">{count(counts.cached)}</td>
              <td class="number">{count(counts.failed)}</td>
              <td class="number">{count(retries)}</td>
              <td class="number">{spell(medianMs)}</td>
              <td class="number">{spell(busyMs)}</td>
              <td class="number">{spell(cpuMs)}</td>
              <td class="number">{megabytes(peakMemoryMb)}</td>
              {hasCosts && <td class="number">{dollars(costUsd)}</td>}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
