import { readFileSync, writeFileSync } from "node:fs";
import type { MedianFigure } from "./benchmark.ts";
import type { PeerFigure, PeerFigures } from "./peers/peers.ts";

/** A figure, and what peers took for the same. */
interface Compared extends MedianFigure {
  readonly peers: readonly PeerFigure[];
}

/** What a benchmark has come to. */
export interface Report {
  readonly name: string;
  readonly workload: string;
  /** Runs that each figure is the median of. */
  readonly runs: number;
  readonly figures: readonly Compared[];
  /** Peers that were not timed, and why. */
  readonly missingPeers: readonly string[];
}

/** Puts what peers took beside the figures that measure the same. */
export function compared(figures: readonly MedianFigure[], { figures: ofPeers }: PeerFigures): Compared[] {
  const stray = ofPeers.find((one) => !figures.some(({ what }) => what === one.what));
  if (stray) throw new Error(`${stray.peer} was timed for "${stray.what}", which this benchmark does not measure`);
  return figures.map((figure) => ({ ...figure, peers: ofPeers.filter(({ what }) => what === figure.what) }));
}

const number = (value: number) => value.toLocaleString("en", { maximumSignificantDigits: 4 });

const range = ({ lowest, highest }: Compared) =>
  lowest === highest ? "" : ` (${number(lowest)} to ${number(highest)})`;
const measured = (figure: Compared) => `${number(figure.value)} ${figure.unit}${range(figure)}`;

function beside({ against, ratio, unit }: Compared): string | undefined {
  if (!against || ratio === undefined) return undefined;
  return `${number(ratio)} of ${against.what}: ${number(against.value)} ${unit}`;
}

/** What peers took, and how much of that it was here where both say the same unit. */
function others({ peers, unit, value }: Compared): string {
  const timesOf = (peer: PeerFigure) => (peer.unit === unit ? ` (${number(value / peer.value)} of that)` : "");
  return peers.map((peer) => `${peer.peer} ${number(peer.value)} ${peer.unit}${timesOf(peer)}`).join(", ");
}

/** For a terminal. */
export function asText({ figures, missingPeers }: Report): string {
  const lines = figures.flatMap((figure) => [
    `  ${figure.what}: ${measured(figure)}`,
    ...[beside(figure)].flatMap((text) => text ?? []).map((text) => `    ${text}`),
    ...(figure.goal === undefined ? [] : [`    goal: ${figure.goal}`]),
    ...(figure.peers.length === 0 ? [] : [`    peers, once: ${others(figure)}`]),
  ]);
  return [...lines, ...missingPeers.map((why) => `  ${why}`)].map((line) => `${line}\n`).join("");
}

/** For a page: a table, with the day. */
function asMarkdown({ workload, runs, figures }: Report, day: string): string {
  const hasPeers = figures.some(({ peers }) => peers.length > 0);
  const rows = [
    ["", "measured", "beside it", ...(hasPeers ? ["peers, once"] : []), "goal"],
    Array.from({ length: hasPeers ? 5 : 4 }, () => "---"),
    ...figures.map((figure) => [
      figure.what,
      measured(figure),
      beside(figure) ?? "",
      ...(hasPeers ? [others(figure)] : []),
      figure.goal ?? "",
    ]),
  ];
  const table = rows.map((cells) => `| ${cells.join(" | ")} |`).join("\n");
  const sentence = `${workload.charAt(0).toUpperCase()}${workload.slice(1)}`;
  return `${sentence}. ${day}, ${runs === 1 ? "one run" : `median of ${runs} runs (lowest to highest)`}.\n\n${table}`;
}

/**
 * Puts a report into a page, between `<!-- bench NAME -->` and `<!-- end -->`.
 *
 * @throws Error when the page has no such place.
 */
export function writeInto(page: string, report: Report, day: string): void {
  const text = readFileSync(page, "utf8");
  const mark = `<!-- bench ${report.name} -->\n`;
  const from = text.indexOf(mark) + mark.length;
  const to = text.indexOf("<!-- end -->", from);
  if (from < mark.length || to < 0)
    throw new Error(`${page} has no place for ${report.name}: ${mark.trim()} <!-- end -->`);
  writeFileSync(page, `${text.slice(0, from)}${asMarkdown(report, day)}\n${text.slice(to)}`);
}
