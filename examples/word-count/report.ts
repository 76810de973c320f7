import { formatTable } from "../table.ts";
import { mostFrequent, totalOf, type WordCounts } from "./words.ts";

const number = (value: number) => value.toLocaleString("en");

/** What is known when only some books have been counted. */
export function newsLine(soFar: WordCounts, books: number, all: number): string {
  const [[word, count]] = mostFrequent(soFar, 1, 5);
  return `${books} of ${all} books: ${number(totalOf(soFar))} words; of five letters or more most often "${word}" (${number(count)})`;
}

export function wordTable(words: readonly (readonly [word: string, count: number])[], total: number): string {
  return formatTable(
    [
      { title: "place", align: "right" },
      { title: "word" },
      { title: "count", align: "right" },
      { title: "share", align: "right" },
    ],
    words.map(([word, count], place) => [
      String(place + 1),
      word,
      number(count),
      `${((100 * count) / total).toFixed(2)} %`,
    ]),
  );
}

export const totalLine = (total: number, different: number): string =>
  `${number(total)} words, ${number(different)} different; counting in one go gives the same.`;
