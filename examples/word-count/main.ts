// Map-reduce over the words of a text of some megabytes. `npx tsx examples/word-count/main.ts --help`

import { Lab } from "stratolab";
import { tellErrorsPlainly } from "../command-line.ts";
import { readBooks } from "./books.ts";
import { readOptions } from "./options.ts";
import { reduce } from "./reduce.ts";
import { newsLine, totalLine, wordTable } from "./report.ts";
import { countWords, topWords } from "./tasks.ts";
import { areEqual, countText, mergeAll, type WordCounts } from "./words.ts";

/** After how many books there is something new to tell. */
const NEWS_EVERY = 11;

tellErrorsPlainly();
const startedAt = performance.now();
const { top, minLetters } = readOptions(process.argv);
const books = await readBooks();
await using lab = new Lab({ tasks: import.meta.resolve("./tasks.ts"), progress: false });

// Each book goes to the lab's store once; the tasks get handles.
const counts = await Promise.all(books.map(async (book) => countWords({ book: await lab.put(book) })));
const sum = reduce(counts);
const summary = topWords({ counts: sum, length: top, minLetters });
const plan = await lab.plan([sum, summary]);

// Two runs at once: a task that both want runs once. The second one is for news on the way.
const whole = lab.start([sum, summary]);
const soFar: WordCounts[] = [];
for await (const outcome of lab.start(counts)) {
  if (outcome.kind !== "ok") continue;
  soFar.push(outcome.value);
  if (soFar.length % NEWS_EVERY === 0) console.log(newsLine(mergeAll(soFar), soFar.length, books.length));
}
const [all, { words, total, different }] = await whole.results();

const inOneGo = countText(books.map(({ text }) => text).join("\n"));
if (!areEqual(all, inOneGo)) throw new Error("the tasks counted something else than counting in one go does");
console.log(`\n${wordTable(words, total)}\n\n${totalLine(total, different)}`);
const seconds = (performance.now() - startedAt) / 1000;
console.log(`${plan.total} tasks, ${plan.total - plan.toRun} cached, ${seconds.toFixed(1)} s`);
