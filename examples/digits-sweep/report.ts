import type { PlanReport } from "stratolab";
import { formatTable } from "../table.ts";
import type { RankedSetting } from "./ranking.ts";
import { shareBounds } from "./statistics.ts";
import { describeSetting, FAMILIES, type Setting } from "./sweep.ts";

/** How the winner did on the test set. */
export interface TestReport {
  readonly setting: Setting;
  readonly accuracy: number;
  /** How often each digit (row) was taken for each digit (column). */
  readonly confusion: readonly (readonly number[])[];
}

export const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

const milliseconds = (value: number): string => (value < 10 ? value.toFixed(1) : value.toFixed(0));

/** The best settings of the sweep, and after them the best of each family that is not among them. */
export function rankingTable(ranking: readonly RankedSetting[], rows: number): string {
  const isBestOfFamily = ({ setting }: RankedSetting, place: number) =>
    ranking.findIndex((other) => other.setting.family === setting.family) === place;
  const shown = ranking.flatMap((entry, place) =>
    place < rows || isBestOfFamily(entry, place) ? [{ entry, place }] : [],
  );
  return formatTable(
    [
      { title: "place", align: "right" },
      { title: "model" },
      { title: "parameter" },
      { title: "components", align: "right" },
      { title: "accuracy", align: "right" },
      { title: "sd over folds", align: "right" },
      { title: "training (ms)", align: "right" },
    ],
    shown.map(({ entry: { setting, accuracy, spread, trainMs }, place }) => [
      String(place + 1),
      FAMILIES[setting.family].title,
      `${FAMILIES[setting.family].parameter} = ${setting.value}`,
      String(setting.components),
      percent(accuracy),
      `± ${percent(spread)}`,
      milliseconds(trainMs),
    ]),
  );
}

/** What the winner takes each digit for: rows are what was written, columns what was read. */
export function confusionTable(confusion: TestReport["confusion"]): string {
  const digits = confusion.map((_, digit) => String(digit));
  return formatTable(
    [
      { title: "written" },
      ...digits.map((title) => ({ title, align: "right" as const })),
      { title: "right", align: "right" },
    ],
    confusion.map((row, digit) => [
      digits[digit],
      ...row.map((count) => (count === 0 ? "." : String(count))),
      percent(
        row[digit] /
          Math.max(
            1,
            row.reduce((sum, count) => sum + count, 0),
          ),
      ),
    ]),
  );
}

/** The honest accuracy, with how far to trust it. */
export function testLine({ setting, accuracy, confusion }: TestReport): string {
  const count = confusion.flat().reduce((sum, value) => sum + value, 0);
  const { low, high } = shareBounds(accuracy, count);
  return `${describeSetting(setting)}: ${percent(accuracy)} of ${count.toLocaleString("en")} test digits right (95 % interval ${percent(low)} to ${percent(high)})`;
}

/** Which executors the tasks go to, the busiest first. */
export function whereLine({ groups }: PlanReport): string {
  const counts = new Map<string, number>();
  for (const { lane, count } of groups) counts.set(lane, (counts.get(lane) ?? 0) + count);
  return [...counts]
    .sort(([, a], [, b]) => b - a)
    .map(([lane, count]) => `${count} on ${lane}`)
    .join(", ");
}
