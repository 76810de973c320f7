// The quickstart: a sweep with cross-validation over handwritten digits. `npm run quickstart -- --help`

import { mkdir, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { Lab } from "stratolab";
import { tellErrorsPlainly } from "../command-line.ts";
import { renderChart } from "./chart.ts";
import { readDigits } from "./digits.ts";
import { readOptions } from "./options.ts";
import { confusionTable, rankingTable, testLine, whereLine } from "./report.ts";
import { FULL, QUICK, settingsOf } from "./sweep.ts";
import { evaluateModel, loadSamples, makeFold, rankSettings, testWinner, trainModel, trainWinner } from "./tasks.ts";

/** Whatever the seed, the test is the same. */
const TEST_SEED = 1;

tellErrorsPlainly();
const startedAt = performance.now();
const options = readOptions(process.argv);
const size = options.quick ? QUICK : FULL;
const settings = settingsOf(size);

await using lab = new Lab({ tasks: import.meta.resolve("./tasks.ts") });

// The data goes to the lab's store once; tasks get a handle on it.
const [trainDigits, testDigits] = await Promise.all([
  readDigits("train", options.digits, options.seed).then((digits) => lab.put(digits)),
  readDigits("test", options.quick ? 500 : 2000, TEST_SEED).then((digits) => lab.put(digits)),
]);

// A task inside the params of another is a dependency: nothing runs yet.
const samples = loadSamples({ digits: trainDigits });
const division = { folds: size.folds, seed: options.seed, components: Math.max(...size.components) };
const folds = Array.from({ length: size.folds }, (_, fold) => makeFold({ samples, fold, division }));
const scores = settings.map((setting) =>
  folds.map((fold) => evaluateModel({ model: trainModel({ setting, fold }), fold })),
);
const ranking = rankSettings({ scores });
const winner = trainWinner({ samples, ranking });
const report = testWinner({ winner, samples: loadSamples({ digits: testDigits }) });

const plan = await lab.plan([ranking, report]);
const [ranked, test] = await lab.runTasks([ranking, report], { name: "sweep" });

const chart = join(options.out, "accuracy.svg");
await mkdir(options.out, { recursive: true });
await writeFile(chart, renderChart({ ranking: ranked, test, digits: options.digits, folds: size.folds }));

const digitCount = options.digits.toLocaleString("en");
console.log(`
Accuracy on digits left out of training (${settings.length} settings, ${size.folds} folds, ${digitCount} digits)

${rankingTable(ranked, 10)}

The best one, trained again on all ${digitCount} digits, on digits of other people that it never saw:

  ${testLine(test)}

${confusionTable(test.confusion)}

Chart: ${relative(process.cwd(), chart)}`);
if (plan.toRun > 0) console.log(`Tasks: ${whereLine(plan)}`);
const seconds = (performance.now() - startedAt) / 1000;
console.log(`${plan.total} tasks, ${plan.total - plan.toRun} cached, ${seconds.toFixed(1)} s`);
