import { useMemo } from "preact/hooks";
import { activityOf, type Timeline } from "../model/timeline.ts";
import { Chart } from "./chart.tsx";
import { useColours } from "./colours.ts";
import { count, spell } from "./format.ts";

const COLUMNS = 400;

/** How many attempts worked and how many tasks waited, over time. */
export function ActivityChart({ timeline }: { timeline: Timeline }) {
  const colours = useColours();
  const { at, working, waiting } = useMemo(() => activityOf(timeline, COLUMNS), [timeline]);
  const { from } = timeline;
  const options = useMemo(() => {
    const axis = { stroke: colours("quiet"), grid: { stroke: colours("line"), width: 1 }, ticks: { show: false } };
    return {
      legend: { show: false },
      cursor: { show: false },
      scales: {
        x: { time: false },
        y: { range: (_: unknown, __: number, max: number) => [0, Math.max(1, max) * 1.05] as [number, number] },
      },
      axes: [
        {
          ...axis,
          size: 20,
          values: (_: unknown, ticks: number[]) => ticks.map((tick) => (tick === 0 ? "0" : spell(tick))),
        },
        {
          ...axis,
          size: 46,
          space: 18,
          values: (_: unknown, ticks: number[]) => ticks.map((tick) => (Number.isInteger(tick) ? count(tick) : "")),
        },
      ],
      series: [
        {},
        { label: "waiting", stroke: colours("waiting"), fill: `${colours("waiting")}33`, points: { show: false } },
        { label: "working", stroke: colours("done"), fill: `${colours("done")}33`, points: { show: false } },
      ],
    };
  }, [colours]);
  const data = useMemo(
    () => [at.map((moment) => moment - from), waiting, working] as [number[], number[], number[]],
    [at, waiting, working, from],
  );
  const most = (values: readonly number[]) => count(values.reduce((a, b) => Math.max(a, b), 0));
  const label = `Over time: at most ${most(working)} attempts worked and ${most(waiting)} waited at once`;
  return <Chart label={label} height={90} data={data} options={options} />;
}
