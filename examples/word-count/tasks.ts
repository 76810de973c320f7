import { task } from "stratolab";
import type { Book } from "./books.ts";
import { countText, mergeAll, mostFrequent, totalOf, type WordCounts } from "./words.ts";

/** Map: the words of one book. */
export const countWords = task({
  name: "countWords",
  run: ({ book }: { book: Book }): WordCounts => countText(book.text),
});

/** Reduce: several counts to one. */
export const mergeCounts = task({
  name: "mergeCounts",
  run: ({ parts }: { parts: WordCounts[] }): WordCounts => mergeAll(parts),
});

export const topWords = task({
  name: "topWords",
  run: ({ counts, length, minLetters }: { counts: WordCounts; length: number; minLetters: number }) => ({
    words: mostFrequent(counts, length, minLetters),
    total: totalOf(counts),
    different: counts.size,
  }),
});
