import type { RankedSetting } from "./ranking.ts";
import { percent, type TestReport, testLine } from "./report.ts";
import { type Svg, svg } from "./svg.ts";
import { FAMILIES, FAMILY_NAMES, type FamilyName } from "./sweep.ts";

/** What the chart shows. */
export interface ChartData {
  readonly ranking: readonly RankedSetting[];
  readonly test: TestReport;
  /** How many digits were learned from, and in how many folds. */
  readonly digits: number;
  readonly folds: number;
}

const WIDTH = 960;
const HEIGHT = 488;
const PLOT = { left: 72, right: 24, top: 128, bottom: 96, gap: 28 };
const LEGEND = { left: PLOT.left + 148, gap: 56 };
const PANEL_WIDTH = (WIDTH - PLOT.left - PLOT.right - PLOT.gap * (FAMILY_NAMES.length - 1)) / FAMILY_NAMES.length;
const PANEL_HEIGHT = HEIGHT - PLOT.top - PLOT.bottom;

/** Light to dark, so that the order also shows in grey. */
const COLOURS = ["#e69f00", "#1f9e89", "#31408b"];
const WINNER = "#c0245e";

interface Axis {
  readonly low: number;
  readonly high: number;
  readonly step: number;
}

/** Accuracy by hyper-parameter: a panel for each family, a line for each number of components. */
export function renderChart({ ranking, test, digits, folds }: ChartData): string {
  const components = [...new Set(ranking.map(({ setting }) => setting.components))].sort((a, b) => a - b);
  const axis = accuracyAxis(ranking);
  const panels = FAMILY_NAMES.map((family, index) => panel(family, index, ranking, components, axis));
  return svg`<?xml version="1.0" encoding="UTF-8"?>
<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${HEIGHT}" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" font-family="system-ui, 'Segoe UI', 'DejaVu Sans', Helvetica, Arial, sans-serif" font-size="12" fill="#333a45">
<title>Accuracy of models for handwritten digits</title>
<rect width="${WIDTH}" height="${HEIGHT}" fill="#ffffff"/>
<text x="${PLOT.left}" y="34" font-size="18" font-weight="600" fill="#14181f">Which model reads handwritten digits best?</text>
<text x="${PLOT.left}" y="56">Cross-validated accuracy on ${digits.toLocaleString("en")} MNIST digits: mean of ${folds} folds, bars ± 1 standard deviation</text>
${legend(components)}
${panels}
<text transform="translate(20 ${PLOT.top + PANEL_HEIGHT / 2}) rotate(-90)" text-anchor="middle">accuracy</text>
<text x="${PLOT.left}" y="${HEIGHT - 20}"><tspan font-weight="600" fill="${WINNER}">Held-out test</tspan> ${testLine(test)}</text>
</svg>
`.markup;
}

/** A round range that holds every point with its bar. */
function accuracyAxis(ranking: readonly RankedSetting[]): Axis {
  const lowest = Math.min(...ranking.map(({ accuracy, spread }) => accuracy - spread));
  const highest = Math.max(...ranking.map(({ accuracy, spread }) => accuracy + spread));
  const step = [0.01, 0.02, 0.05, 0.1, 0.2].find((size) => (highest - lowest) / size <= 7) ?? 0.25;
  const high = Math.min(1, Math.max(step, Math.ceil(highest / step) * step));
  return { low: Math.max(0, Math.min(high - step, Math.floor(lowest / step) * step)), high, step };
}

const heightOf = (accuracy: number, { low, high }: Axis) =>
  PLOT.top + PANEL_HEIGHT * (1 - (accuracy - low) / (high - low));

function legend(components: readonly number[]): Svg {
  const entries = components.map((count, index) => {
    const x = LEGEND.left + index * LEGEND.gap;
    return svg`<circle cx="${x}" cy="78" r="4.5" fill="${COLOURS[index % COLOURS.length]}"/><text x="${x + 10}" y="82">${count}</text>`;
  });
  const end = LEGEND.left + components.length * LEGEND.gap + 12;
  return svg`<text x="${PLOT.left}" y="82">Principal components</text>
${entries}
<circle cx="${end}" cy="78" r="7" fill="none" stroke="${WINNER}" stroke-width="2"/><text x="${end + 13}" y="82">best in cross-validation</text>`;
}

function panel(
  family: FamilyName,
  index: number,
  ranking: readonly RankedSetting[],
  components: readonly number[],
  axis: Axis,
): Svg {
  const { title, axis: label } = FAMILIES[family];
  const left = PLOT.left + index * (PANEL_WIDTH + PLOT.gap);
  const bottom = PLOT.top + PANEL_HEIGHT;
  const entries = ranking.filter(({ setting }) => setting.family === family);
  const values = [...new Set(entries.map(({ setting }) => setting.value))].sort((a, b) => a - b);
  const middleOf = (value: number) => left + (PANEL_WIDTH * (values.indexOf(value) + 0.5)) / values.length;
  const ticks = values.map(
    (value) => svg`<text x="${middleOf(value)}" y="${bottom + 18}" text-anchor="middle">${String(value)}</text>`,
  );
  const lines = components.map((count, line) => {
    // Side by side, so that no bar hides another.
    const shift = (line - (components.length - 1) / 2) * 13;
    const points = entries
      .filter(({ setting }) => setting.components === count)
      .sort((a, b) => a.setting.value - b.setting.value)
      .map((entry) => ({ entry, x: middleOf(entry.setting.value) + shift, y: heightOf(entry.accuracy, axis) }));
    const colour = COLOURS[line % COLOURS.length];
    return svg`<polyline points="${points.map(({ x, y }) => `${x.toFixed(1)},${y.toFixed(1)}`).join(" ")}" fill="none" stroke="${colour}" stroke-width="1.5" stroke-opacity="0.6"/>
${points.map(({ entry, x, y }) => mark(entry, x, y, colour, axis, entry === ranking[0]))}`;
  });
  return svg`<g>
<text x="${left + PANEL_WIDTH / 2}" y="${PLOT.top - 10}" text-anchor="middle" font-weight="600">${title}</text>
${gridLines(axis, left, index === 0)}
${ticks}
<text x="${left + PANEL_WIDTH / 2}" y="${bottom + 40}" text-anchor="middle">${label}</text>
${lines}
</g>`;
}

function gridLines(axis: Axis, left: number, labelled: boolean): Svg[] {
  const count = Math.round((axis.high - axis.low) / axis.step);
  return Array.from({ length: count + 1 }, (_, index) => {
    const accuracy = axis.low + index * axis.step;
    const y = heightOf(accuracy, axis);
    const label = labelled
      ? svg`<text x="${left - 8}" y="${y + 4}" text-anchor="end">${(100 * accuracy).toFixed(0)} %</text>`
      : svg``;
    return svg`<line x1="${left}" x2="${left + PANEL_WIDTH}" y1="${y}" y2="${y}" stroke="${index === 0 ? "#8a93a0" : "#e3e6eb"}"/>${label}`;
  });
}

/** A point with its bar; the best one has a ring and its number. */
function mark(
  { accuracy, spread }: RankedSetting,
  x: number,
  y: number,
  colour: string,
  axis: Axis,
  best: boolean,
): Svg {
  const high = heightOf(Math.min(axis.high, accuracy + spread), axis);
  const low = heightOf(accuracy - spread, axis);
  const ring = best
    ? svg`<circle cx="${x}" cy="${y}" r="8" fill="none" stroke="${WINNER}" stroke-width="2"/><text x="${x}" y="${high - 6}" text-anchor="middle" font-weight="600" fill="${WINNER}" stroke="#ffffff" stroke-width="3" paint-order="stroke">${percent(accuracy)}</text>`
    : svg``;
  return svg`<path d="M${x} ${high}V${low}M${x - 3} ${high}H${x + 3}M${x - 3} ${low}H${x + 3}" stroke="${colour}" fill="none"/><circle cx="${x}" cy="${y}" r="4" fill="${colour}"/>${ring}`;
}
