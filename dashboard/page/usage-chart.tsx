import { useMemo } from "preact/hooks";
import type { RunModel } from "../model/run-model.ts";
import { type Measured, measuredOf } from "../model/usage.ts";
import { Chart } from "./chart.tsx";
import { useColours } from "./colours.ts";
import { megabytes, spell } from "./format.ts";

interface UsageChartProps {
  readonly model: RunModel;
  readonly version: number;
  readonly name: string;
  /** The task whose attempts stand out. */
  readonly position: number;
}

const FIGURES: readonly (readonly [
  what: string,
  of: (measured: Measured) => number,
  text: (value: number) => string,
])[] = [
  ["Duration", ({ runMs }) => runMs, spell],
  ["CPU time", ({ cpuMs }) => cpuMs, spell],
  ["Peak memory", ({ peakMemoryMb }) => peakMemoryMb, megabytes],
];

/** What the attempts of a type used, in the order of their begin, with those of one task among them. */
export function UsageChart({ model, version, name, position }: UsageChartProps) {
  const colours = useColours();
  const measured = useMemo(() => measuredOf(model, name, position), [model, version, name, position]);
  const charts = useMemo(
    () =>
      FIGURES.map(([what, of, text]) => {
        const axis = { stroke: colours("quiet"), grid: { stroke: colours("line"), width: 1 }, ticks: { show: false } };
        const dots = (colour: string, size: number) => ({
          stroke: colour,
          paths: () => null,
          points: { show: true, size, fill: colour, width: 0 },
        });
        const options = {
          legend: { show: false },
          cursor: { show: false },
          scales: {
            // Room for the dots at both ends.
            x: {
              time: false,
              range: (_: unknown, min: number, max: number) => [min - 0.5, max + 0.5] as [number, number],
            },
            y: { range: (_: unknown, __: number, max: number) => [0, (max || 1) * 1.1] as [number, number] },
          },
          axes: [
            { show: false },
            {
              ...axis,
              size: 64,
              values: (_: unknown, ticks: number[]) => ticks.map((tick) => (tick === 0 ? "0" : text(tick))),
            },
          ],
          series: [{}, dots(colours("waiting"), 4), dots(colours("running"), 8)],
        };
        const values = measured.map(of);
        const others = values.map((value, index) => (measured[index].isOwn ? null : value));
        const own = values.map((value, index) => (measured[index].isOwn ? value : null));
        return {
          what,
          options,
          data: [values.map((_, index) => index), others, own] as [number[], (number | null)[], (number | null)[]],
        };
      }),
    [measured, colours],
  );
  if (measured.length === 0) return null;
  return (
    <>
      <h3>Usage, among {measured.length} attempts of the type</h3>
      {charts.map(({ what, options, data }) => (
        <figure key={what} class="usage">
          <figcaption>{what}</figcaption>
          <Chart
            label={`${what} of the attempts of ${name}; those of this task stand out`}
            height={72}
            data={data}
            options={options}
          />
        </figure>
      ))}
    </>
  );
}
