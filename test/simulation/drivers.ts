import { type Orphan, orphansIn } from "../../sdk/driver/adoption.ts";
import type { Begun } from "./adopted.ts";
import { Agenda } from "./agenda.ts";
import type { Violation } from "./checks/check.ts";
import { type Seat, Together } from "./checks/together.ts";
import { type Onlooker, SimulatedDriver } from "./driver.ts";
import type { Surroundings } from "./execution.ts";
import { Fate } from "./fate.ts";
import { History } from "./history.ts";
import { Invariants } from "./invariants.ts";
import type { RunningInvocations } from "./invocations.ts";
import { Process } from "./process.ts";
import { RunTable, type SimulatedRecord } from "./run-table.ts";
import type { Scenario, ScenarioDriver } from "./scenario.ts";
import type { SimulationResult } from "./simulate.ts";
import { Storage } from "./storage.ts";
import { Tenure } from "./tenure.ts";

type ManyDrivers = Scenario & { readonly drivers: readonly ScenarioDriver[] };

/** How often is looked whether a driver is done. */
const LOOK_EVERY_MS = 1_000;
/** Drivers look at the record once a second, however little happens. */
const MAX_STEPS = 300_000;

/** One run with several drivers: they die, are stopped and wake up again, give it away, and ask for it when it is held. */
export function simulateDrivers(scenario: ManyDrivers, withHistory: boolean): SimulationResult {
  const agenda = new Agenda();
  const fate = new Fate(scenario.seed, scenario.rates, scenario.spared);
  const isLocal = scenario.offer.some(({ service }) => service === "local");
  const seats: Seat[] = [];
  const around: Surroundings = {
    scenario,
    agenda,
    fate,
    storage: Storage.of(scenario),
    executing: new Set(),
    executions: new Map(),
    ...(isLocal ? {} : { begun: new Map<string, Begun>() }),
    overheard: (lab, report) => {
      for (const { driver, isOver, tenure } of seats) if (!isOver && tenure.lab !== lab) driver?.overhear(lab, report);
    },
  };
  const history = new History(agenda, withHistory);
  const violations: Violation[] = [];
  const running: RunningInvocations = new Set();
  const table = new RunTable(agenda, fate);
  const together = new Together(around, table, seats, violations);
  const [life] = scenario.lives;
  const [run] = life.runs;
  let isFinished = false;

  const seatOf = (index: number, { id, aheadMs }: ScenarioDriver): Seat => {
    const process = new Process(agenda, aheadMs, index < scenario.drivers.length - 1);
    const lab = `life ${id}`;
    let spentBeforeUsd = 0;
    let invariants: Invariants | undefined;
    const leave = () => {
      if (seat.isOver) return;
      seat.isOver = true;
      seat.driver?.end();
    };
    const tenure = new Tenure({
      process,
      table,
      lab,
      isGone: (holder) => isLocal && seats.some((other) => other.tenure.lab === holder && other.process.isDead),
      costUsd: () => spentBeforeUsd + (seat.driver?.spentUsd ?? 0),
      lost: () => {
        fate.count("lease lost");
        history.note(`${lab} has lost the run`);
        seat.driver?.lose();
      },
      wrote: (epoch) => together.acts(epoch, "has written"),
      journalled: (epoch) => together.journals(epoch),
    });
    const seat: Seat = { process, tenure, driver: undefined, isOver: false };

    const begin = (record: SimulatedRecord) => {
      history.note(`${lab} has the run, as driver number ${record.lease.epoch}`);
      if (record.lease.epoch > 1) fate.count("takeover");
      spentBeforeUsd = record.costUsd;
      const { maxCostUsd } = run;
      const left = maxCostUsd === undefined ? {} : { maxCostUsd: Math.max(0, maxCostUsd - spentBeforeUsd) };
      const watch = (driver: SimulatedDriver): Onlooker => {
        invariants = new Invariants(around, driver, life, violations, (attempts) => together.begun(seat, attempts));
        return history.beside(invariants, id);
      };
      // What is in flight is read from the table as its results are looked up.
      const { journal } = table;
      const orphans: Map<string, Orphan> =
        journal && journal.lab !== lab ? orphansIn([{ ...journal, runId: String(id) }], process.now) : new Map();
      const holding = { process, tenure, orphans: () => orphans, left: leave };
      together.begins(seat, left.maxCostUsd, maxCostUsd);
      const driver = new SimulatedDriver(around, id, running, watch, holding, {
        ...life,
        runs: [{ ...run, ...left }],
      });
      seat.driver = driver;
      driver.begin();
      meet(scenario.drivers[index], driver);
      process.in(1, () => together.opened(seat, orphans));
      const look = () => {
        if (seat.isOver || driver.isLost) return;
        if (!driver.isOver) return process.in(LOOK_EVERY_MS, look);
        invariants?.atEnd();
        tenure.end(() => {
          isFinished = true;
          leave();
        });
      };
      process.in(LOOK_EVERY_MS, look);
    };

    const meet = ({ fate: misfortune }: ScenarioDriver, driver: SimulatedDriver) => {
      if (!misfortune) return;
      agenda.in(misfortune.atMs, () => {
        if (seat.isOver || driver.isLost || driver.isOver) return;
        history.note(`${lab} ${misfortune.kind}`);
        fate.count(`driver ${misfortune.kind}`);
        if (misfortune.kind === "stops") process.pause(misfortune.forMs);
        else if (misfortune.kind === "leaves") {
          driver.handOver((isGiven) => {
            if (isGiven) together.handsOver(seat);
            leave();
          });
        } else {
          process.kill();
          leave();
        }
      });
    };

    process.in(scenario.drivers[index].beginsAtMs, () => tenure.claim(begin, leave, () => fate.count("refused")));
    return seat;
  };
  for (const [index, driver] of scenario.drivers.entries()) seats.push(seatOf(index, driver));

  let steps = 0;
  const goesOn = () => steps < MAX_STEPS && violations.length === 0;
  while (goesOn() && agenda.next()) {
    steps += 1;
    together.afterStep();
  }
  if (steps >= MAX_STEPS) violations.push({ invariant: "every run ends", seen: `not over after ${MAX_STEPS} steps` });
  else if (violations.length === 0) {
    if (!isFinished) violations.push({ invariant: "every run ends", seen: "no driver has brought the run to its end" });
    const isLeft = around.executing.size + running.size > 0 || seats.some(({ isOver }) => !isOver);
    if (isLeft) violations.push({ invariant: "nothing left running", seen: "something goes on for ever" });
  }
  return { violations, history: history.lines, steps, virtualMs: agenda.now, faults: fate.counts, struck: fate.struck };
}
