import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";

interface ChartProps {
  /** In words, for those who do not see it. */
  readonly label: string;
  readonly height: number;
  readonly data: uPlot.AlignedData;
  /** Everything but the size. A new object makes a new chart. */
  readonly options: Omit<uPlot.Options, "width" | "height">;
}

/** A chart as wide as there is room. */
export function Chart({ label, height, data, options }: ChartProps) {
  const place = useRef<HTMLDivElement>(null);
  const chart = useRef<uPlot | undefined>(undefined);
  const latest = useRef(data);
  latest.current = data;

  useEffect(() => {
    const element = place.current;
    if (!element) return;
    const made = new uPlot({ ...options, width: element.clientWidth || 300, height }, latest.current, element);
    chart.current = made;
    const observer = new ResizeObserver(() => made.setSize({ width: element.clientWidth, height }));
    observer.observe(element);
    return () => {
      observer.disconnect();
      made.destroy();
      chart.current = undefined;
    };
  }, [options, height]);
  useEffect(() => chart.current?.setData(data), [data]);

  return <div ref={place} class="chart" role="img" aria-label={label} style={{ height: `${height}px` }} />;
}
