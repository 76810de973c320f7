import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { type Bar, barAt, type Timeline } from "../model/timeline.ts";
import { useColours } from "./colours.ts";
import { AXIS_HEIGHT, drawTimeline, LABEL_WIDTH, ROW_HEIGHT, timeAt, type View } from "./draw-timeline.ts";
import { count, spell } from "./format.ts";

interface TimelineViewProps {
  readonly timeline: Timeline;
  readonly selected: number | undefined;
  readonly onTask: (position: number) => void;
}

/** Pixels beside a bar that still mean it. */
const NEAR_PX = 5;

/** Executors and what they did when, on a canvas: any number of attempts. */
export function TimelineView({ timeline, selected, onTask }: TimelineViewProps) {
  const scroller = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const colours = useColours();
  const [size, setSize] = useState({ width: 600, height: 200, top: 0 });
  /** What part is in sight; undefined for all of it, also while it grows. */
  const [range, setRange] = useState<readonly [from: number, to: number]>();
  const [hovered, setHovered] = useState<Bar>();
  const [from, to] = range ?? [timeline.from, timeline.to];
  const view: View = { from, to, ...size };

  useLayoutEffect(() => {
    const element = scroller.current;
    if (!element) return;
    const look = () => setSize({ width: element.clientWidth, height: element.clientHeight, top: element.scrollTop });
    const observer = new ResizeObserver(look);
    observer.observe(element);
    element.addEventListener("scroll", look, { passive: true });
    return () => {
      observer.disconnect();
      element.removeEventListener("scroll", look);
    };
  }, []);

  useEffect(() => {
    const element = canvas.current;
    const context = element?.getContext("2d");
    if (!element || !context) return;
    const scale = devicePixelRatio;
    element.width = size.width * scale;
    element.height = size.height * scale;
    context.setTransform(scale, 0, 0, scale, 0, 0);
    drawTimeline(context, timeline, { from, to, ...size }, selected, colours);
  }, [timeline, from, to, size, selected, colours]);

  const zoom = (by: number, around = (from + to) / 2) => {
    const span = (to - from) / by;
    if (span >= timeline.to - timeline.from) {
      setRange(undefined);
      return;
    }
    const start = Math.max(
      timeline.from,
      Math.min(timeline.to - span, around - ((around - from) / (to - from)) * span),
    );
    setRange([start, start + Math.max(1, span)]);
  };
  const pan = (part: number) => {
    if (!range) return;
    const span = to - from;
    const start = Math.max(timeline.from, Math.min(timeline.to - span, from + part * span));
    setRange([start, start + span]);
  };
  const scroll = (rows: number) => scroller.current?.scrollBy(0, rows * ROW_HEIGHT);
  const KEYS: Readonly<Record<string, () => void>> = {
    "+": () => zoom(1.5),
    "=": () => zoom(1.5),
    "-": () => zoom(1 / 1.5),
    "0": () => setRange(undefined),
    ArrowLeft: () => pan(-0.2),
    ArrowRight: () => pan(0.2),
    ArrowUp: () => scroll(-1),
    ArrowDown: () => scroll(1),
  };
  const barUnder = ({ offsetX, offsetY }: MouseEvent): Bar | undefined => {
    const row = timeline.rows[Math.floor((offsetY - AXIS_HEIGHT + size.top) / ROW_HEIGHT)];
    const nearMs = (NEAR_PX * (to - from)) / (size.width - LABEL_WIDTH);
    return row && offsetX > LABEL_WIDTH && offsetY > AXIS_HEIGHT
      ? barAt(row, timeAt(view, offsetX), nearMs)
      : undefined;
  };
  const summary = `${count(timeline.attempts)} attempts in ${count(timeline.rows.length)} lines, over ${spell(timeline.to - timeline.from)}`;
  return (
    <>
      <div class="tools">
        <button type="button" aria-label="Less time in sight" onClick={() => zoom(1.5)}>
          +
        </button>
        <button type="button" aria-label="More time in sight" onClick={() => zoom(1 / 1.5)}>
          −
        </button>
        <button type="button" onClick={() => setRange(undefined)}>
          all
        </button>
        <span class="quiet">{hovered ? describe(hovered) : summary}</span>
      </div>
      <div
        ref={scroller}
        class="gantt"
        role="group"
        aria-label="Timeline by executor: plus and minus zoom, arrows move, 0 shows all"
        tabIndex={0}
        onKeyDown={(event) => {
          const act = KEYS[event.key];
          if (!act || event.ctrlKey || event.metaKey) return;
          act();
          event.preventDefault();
        }}
        onWheel={(event) => {
          if (!event.ctrlKey && !event.altKey) return;
          event.preventDefault();
          zoom(event.deltaY < 0 ? 1.25 : 0.8, timeAt(view, event.offsetX));
        }}
        onMouseMove={(event) => setHovered(barUnder(event))}
        onMouseLeave={() => setHovered(undefined)}
        onClick={(event) => {
          const bar = barUnder(event);
          if (bar) onTask(bar.task.position);
        }}
      >
        <canvas
          ref={canvas}
          role="img"
          aria-label={summary}
          style={{ width: `${size.width}px`, height: `${size.height}px` }}
        />
        <div style={{ height: `${Math.max(0, timeline.rows.length * ROW_HEIGHT + AXIS_HEIGHT - size.height)}px` }} />
      </div>
      <p class="legend" aria-hidden="true">
        {["done", "running", "retried", "failed", "cancelled", "waiting"].map((name) => (
          <span key={name} class={`status is-${name}`}>
            <span class="mark" />
            {name}
          </span>
        ))}
      </p>
    </>
  );
}

function describe({ task, attempt, readyAt, startAt, endAt, isOpen }: Bar): string {
  const what = `${task.name}(${task.params.slice(0, 60)}), attempt ${attempt.attempt}`;
  const how = isOpen ? "runs" : attempt.kind === "unknown" ? "given up" : attempt.kind;
  return `${what}: ${how}, waited ${spell(startAt - readyAt)}, ${spell(endAt - startAt)}`;
}
