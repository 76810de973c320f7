import { Command } from "commander";
import { type Benchmark, medians } from "./benchmark.ts";
import { cached1000 } from "./cached-1000.ts";
import { chain1k, chain1kAws, tree1024, tree1024Aws } from "./chains.ts";
import { cloudNoop } from "./cloud-noop.ts";
import { codec } from "./codec.ts";
import { coldInit } from "./cold-init.ts";
import { cpuMap } from "./cpu-map.ts";
import { dashboard } from "./dashboard.ts";
import { fargate1k } from "./fargate-1k.ts";
import { largeRun } from "./large-run.ts";
import { localLatency } from "./local-latency.ts";
import { localNoop } from "./local-noop.ts";
import { logLatency } from "./log-latency.ts";
import { mixRoute } from "./mix-route.ts";
import { objects } from "./objects.ts";
import { overhead } from "./overhead.ts";
import { timePeers } from "./peers/peers.ts";
import { planOneMillion } from "./plan-1m.ts";
import { ramp10k } from "./ramp-10k.ts";
import { rampStores } from "./ramp-stores.ts";
import { asText, compared, type Report, writeInto } from "./report.ts";
import { requests } from "./requests.ts";
import { resume, resumeAws } from "./resume.ts";
import { startUp } from "./start-up.ts";
import { storm } from "./storm.ts";

const BENCHMARKS: readonly Benchmark[] = [
  startUp,
  largeRun,
  localNoop,
  chain1k,
  tree1024,
  chain1kAws,
  tree1024Aws,
  localLatency,
  cached1000,
  cpuMap,
  coldInit,
  cloudNoop,
  requests,
  overhead,
  planOneMillion,
  codec,
  objects,
  ramp10k,
  rampStores,
  fargate1k,
  mixRoute,
  resume,
  resumeAws,
  storm,
  dashboard,
  logLatency,
];

const known = BENCHMARKS.map(({ name }) => name).join(", ");
const program = new Command("npm run bench --")
  .description("Runs benchmarks; each figure stands beside a floor or a peer measured in the same run.")
  .argument("[names...]", `which ones: ${known} (default all)`)
  .option("--json", "print JSON")
  .option("--runs <n>", "runs of each (default: the benchmark's own)", Number)
  .option("--page <file>", "put the tables into a page, too, such as docs/performance.md: each where it has its place")
  .parse();
const { json, runs, page } = program.opts<{ json?: true; runs?: number; page?: string }>();

const unknown = program.args.find((name) => !BENCHMARKS.some((benchmark) => benchmark.name === name));
if (unknown !== undefined || (runs !== undefined && !(Number.isInteger(runs) && runs >= 1))) {
  const why =
    unknown === undefined
      ? `--runs must be a whole number, at least 1, got ${runs}`
      : `there is no benchmark ${unknown}; there are: ${known}`;
  process.stderr.write(`bench: ${why}\n`);
  process.exit(1);
}

const reports: Report[] = [];
for (const benchmark of BENCHMARKS) {
  if (program.args.length > 0 && !program.args.includes(benchmark.name)) continue;
  const { name, workload } = benchmark;
  const count = runs ?? benchmark.runs;
  if (!json) process.stdout.write(`${name}: ${workload}; median of ${count} runs\n`);
  const measured = [];
  const tearDown = await benchmark.setUp?.();
  try {
    for (let run = 0; run < count; run++) measured.push(await benchmark.run());
  } finally {
    await tearDown?.();
  }
  const peers = await timePeers(name);
  const figures = compared(medians(measured), peers);
  const report = { name, workload, runs: count, figures, missingPeers: peers.missing };
  reports.push(report);
  if (!json) process.stdout.write(asText(report));
  if (page !== undefined) writeInto(page, report, new Date().toISOString().slice(0, 10));
}
if (json) process.stdout.write(`${JSON.stringify(reports, null, 2)}\n`);
