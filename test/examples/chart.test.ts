import { SaxesParser } from "saxes";
import { describe, expect, test } from "vitest";
import { type ChartData, renderChart } from "../../examples/digits-sweep/chart.ts";
import { svg } from "../../examples/digits-sweep/svg.ts";
import { FULL, QUICK, type SweepSize, settingsOf } from "../../examples/digits-sweep/sweep.ts";

function chartOf(size: SweepSize, accuracyOf: (place: number) => number, spread = 0.01): string {
  const ranking: ChartData["ranking"] = settingsOf(size).map((setting, place) => ({
    setting,
    accuracy: accuracyOf(place),
    spread,
    trainMs: 1,
  }));
  const test = {
    setting: ranking[0].setting,
    accuracy: 0.9,
    confusion: [
      [9, 1],
      [1, 9],
    ],
  };
  return renderChart({ ranking, test, digits: 1234, folds: size.folds });
}

/** Texts and the number of elements by name; throws for what is not well-formed. */
function read(markup: string): { texts: string[]; counts: Map<string, number> } {
  const texts: string[] = [];
  const counts = new Map<string, number>();
  const parser = new SaxesParser();
  parser.on("text", (text) => texts.push(text.trim()));
  parser.on("opentag", ({ name }) => counts.set(name, (counts.get(name) ?? 0) + 1));
  parser.write(markup).close();
  return { texts, counts };
}

describe("the chart", () => {
  test("has a panel for each family, a point for each setting, a legend and titles of its axes", () => {
    const { texts, counts } = read(chartOf(FULL, (place) => 0.97 - 0.002 * place));
    expect(texts).toEqual(
      expect.arrayContaining(["nearest neighbours", "logistic regression", "kernel machine", "accuracy"]),
    );
    expect(texts).toEqual(expect.arrayContaining(["neighbours that vote (k)", "15", "30", "60", "97.0 %"]));
    expect(texts.some((text) => text.includes("1,234 MNIST digits"))).toBe(true);
    expect(counts.get("polyline")).toBe(9);
    // 33 points, 3 in the legend, and the ring of the best one there and there.
    expect(counts.get("circle")).toBe(33 + 3 + 2);
  });

  test.each([
    { name: "one perfect accuracy everywhere", size: FULL, accuracyOf: () => 1, spread: 0 },
    { name: "the whole range", size: FULL, accuracyOf: (place: number) => place / 32, spread: 0.2 },
    { name: "a quick sweep", size: QUICK, accuracyOf: () => 0.5, spread: 0.1 },
  ])("stays within its frame with $name", ({ size, accuracyOf, spread }) => {
    const markup = chartOf(size, accuracyOf, spread);
    expect(markup).not.toMatch(/NaN|Infinity|undefined/);
    expect(read(markup).counts.get("svg")).toBe(1);
    const heights = [...markup.matchAll(/c?y="([-\d.]+)"/g)].map(([, y]) => Number(y));
    for (const height of heights) expect(height).toBeGreaterThanOrEqual(0);
    for (const height of heights) expect(height).toBeLessThanOrEqual(488);
  });
});

test("what is put into SVG is text, unless it is SVG itself", () => {
  const inner = svg`<b a="${'"'}">${"1 < 2 & 3"}</b>`;
  expect(svg`<a>${inner}${[inner]}${0.16}</a>`.markup).toBe(
    '<a><b a="&quot;">1 &lt; 2 &amp; 3</b><b a="&quot;">1 &lt; 2 &amp; 3</b>0.2</a>',
  );
});
