import type { Bar, Timeline } from "../model/timeline.ts";
import { spell } from "./format.ts";

export const ROW_HEIGHT = 18;
export const LABEL_WIDTH = 150;
export const AXIS_HEIGHT = 20;
/** Failures have to be seen, however short. */
const MIN_FAILURE_WIDTH = 3;

/** What part of the timeline is in sight. Moments in milliseconds since the epoch, lengths in pixels. */
export interface View {
  readonly from: number;
  readonly to: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** Colours by what they are for, as the page's style has them. */
export type Colours = (name: string) => string;

/** Where a moment is. */
const xOf = ({ from, to, width }: View, at: number) =>
  LABEL_WIDTH + ((at - from) / (to - from)) * (width - LABEL_WIDTH);

/** Which moment is there. */
export const timeAt = ({ from, to, width }: View, x: number) =>
  from + ((x - LABEL_WIDTH) / (width - LABEL_WIDTH)) * (to - from);

/** Draws the rows that are in sight. */
export function drawTimeline(
  context: CanvasRenderingContext2D,
  timeline: Timeline,
  view: View,
  selected: number | undefined,
  colours: Colours,
): void {
  context.clearRect(0, 0, view.width, view.height);
  context.font = "11px system-ui, sans-serif";
  context.textBaseline = "middle";
  drawAxis(context, timeline.from, view, colours);
  context.save();
  context.beginPath();
  context.rect(0, AXIS_HEIGHT, view.width, view.height - AXIS_HEIGHT);
  context.clip();
  const first = Math.max(0, Math.floor(view.top / ROW_HEIGHT));
  const last = Math.min(timeline.rows.length, Math.ceil((view.top + view.height - AXIS_HEIGHT) / ROW_HEIGHT));
  for (let index = first; index < last; index++) {
    const { executor, lane, isFirst, bars } = timeline.rows[index];
    const y = AXIS_HEIGHT + index * ROW_HEIGHT - view.top;
    if (isFirst) {
      context.fillStyle = colours("line");
      context.fillRect(0, y, view.width, 1);
      context.fillStyle = colours("text");
      context.fillText(`${lane} ${executor}`.trim(), 4, y + ROW_HEIGHT / 2, LABEL_WIDTH - 10);
    }
    drawBars(context, bars, y, view, selected, colours);
  }
  context.restore();
}

function drawBars(
  context: CanvasRenderingContext2D,
  bars: readonly Bar[],
  y: number,
  view: View,
  selected: number | undefined,
  colours: Colours,
): void {
  context.save();
  context.beginPath();
  context.rect(LABEL_WIDTH, y, view.width - LABEL_WIDTH, ROW_HEIGHT);
  context.clip();
  const middle = y + ROW_HEIGHT / 2;
  let drawnTo = Number.NEGATIVE_INFINITY;
  for (const bar of bars) {
    if (bar.endAt < view.from || bar.readyAt > view.to) continue;
    const start = xOf(view, bar.startAt);
    const end = xOf(view, bar.endAt);
    // What the last pixel shows already need not be drawn again.
    if (bar.attempt.kind === "ok" && end < drawnTo + 0.5) continue;
    const waiting = Math.max(xOf(view, bar.readyAt), drawnTo);
    if (start - waiting > 1) {
      context.fillStyle = colours("waiting");
      context.fillRect(waiting, middle - 1, start - waiting, 2);
    }
    // A gap between neighbours, where there is room for one.
    const width = Math.max(1, end - start - (end - start > 4 ? 1 : 0));
    context.fillStyle = colours(colourOf(bar));
    context.fillRect(start, y + 3, width, ROW_HEIGHT - 5);
    drawnTo = Math.max(drawnTo, end);
  }
  for (const bar of bars) {
    const { kind } = bar.attempt;
    const isFailure = kind !== undefined && kind !== "ok" && kind !== "unknown";
    const isSelected = bar.task.position === selected;
    if (!isFailure && !isSelected) continue;
    const start = xOf(view, bar.startAt);
    const width = Math.max(MIN_FAILURE_WIDTH, xOf(view, bar.endAt) - start);
    if (isFailure) {
      context.fillStyle = colours(colourOf(bar));
      context.fillRect(start, y + 3, width, ROW_HEIGHT - 5);
    }
    if (isSelected) {
      context.strokeStyle = colours("text");
      context.lineWidth = 2;
      context.strokeRect(start, y + 2, width, ROW_HEIGHT - 4);
    }
  }
  context.restore();
}

/** Name of the colour: an attempt that failed and was tried again is no failed task. */
function colourOf({ attempt: { kind }, isOpen, task }: Bar): string {
  if (isOpen) return "running";
  if (kind === "ok") return "done";
  if (kind === "unknown" || kind === "cancelled") return "cancelled";
  return task.status === "failed" ? "failed" : "retried";
}

function drawAxis(context: CanvasRenderingContext2D, zero: number, view: View, colours: Colours): void {
  const span = view.to - view.from;
  const stride = strideOf(span, (view.width - LABEL_WIDTH) / 90);
  context.textAlign = "left";
  for (let at = zero + Math.ceil((view.from - zero) / stride) * stride; at <= view.to; at += stride) {
    const x = xOf(view, at);
    context.fillStyle = colours("line");
    context.fillRect(x, 0, 1, view.height);
    context.fillStyle = colours("quiet");
    context.fillText(at === zero ? "0" : spell(at - zero), x + 4, AXIS_HEIGHT / 2);
  }
}

const STRIDES = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 15e3, 3e4, 6e4, 12e4, 3e5, 6e5, 9e5, 18e5];
const HOUR_MS = 3_600_000;

/** A round stride that gives about as many marks. */
const strideOf = (span: number, marks: number) =>
  STRIDES.find((stride) => span / stride <= marks) ?? Math.ceil(span / marks / HOUR_MS) * HOUR_MS;
