/** How often each word occurs. */
export type WordCounts = Map<string, number>;

const WORD = /\p{L}+(?:['’]\p{L}+)*/gu;

export function countText(text: string): WordCounts {
  const counts: WordCounts = new Map();
  for (const [word] of text.toLowerCase().matchAll(WORD)) counts.set(word, (counts.get(word) ?? 0) + 1);
  return counts;
}

/** Adds counts up; what is given stays as it is. */
export function mergeAll(parts: readonly WordCounts[]): WordCounts {
  const sum: WordCounts = new Map();
  for (const part of parts) {
    for (const [word, count] of part) sum.set(word, (sum.get(word) ?? 0) + count);
  }
  return sum;
}

export function totalOf(counts: WordCounts): number {
  let total = 0;
  for (const count of counts.values()) total += count;
  return total;
}

/** The most frequent words of some length, equal ones by the alphabet. */
export function mostFrequent(counts: WordCounts, length: number, minLetters: number): [word: string, count: number][] {
  return [...counts]
    .filter(([word]) => word.length >= minLetters)
    .sort(([a, countA], [b, countB]) => countB - countA || (a < b ? -1 : 1))
    .slice(0, length);
}

export function areEqual(a: WordCounts, b: WordCounts): boolean {
  return a.size === b.size && [...a].every(([word, count]) => b.get(word) === count);
}
