import type { Demand, RetryPolicy } from "../../sdk/core/demand.ts";
import type { Offer } from "../../sdk/core/offer.ts";
import { seededRandom } from "../../sdk/core/random.ts";
import type { SpeculationRule } from "../../sdk/core/speculate.ts";
import { FAULTS, type Fault } from "./fate.ts";

/** One task of a scenario: what it asks for and how it behaves. */
export interface ScenarioTask {
  /** Stays with it when others are taken away: chance goes by it. */
  readonly id: number;
  readonly type: string;
  /** Positions of the tasks it depends on: all before its own. */
  readonly dependencies: readonly number[];
  /** Positions of the tasks that it runs while it runs: all before its own, but for circles. */
  readonly children: readonly number[];
  /** Positions of tasks, all before its own, of which it was given what they have put by its handle: no inputs of it. */
  readonly handles: readonly number[];
  readonly demand: Demand;
  readonly policy: RetryPolicy;
  readonly durationMs: number;
  readonly paramBytes: number;
  readonly resultBytes: number;
  /** Memory it really needs. */
  readonly needsMb: number;
  /**
   * What every attempt does: `kills` brings its executor down without leaving a mark; what `vanishes`
   * is a result that is gone as soon as it is stored.
   */
  readonly nature: "works" | "throws" | "kills" | "vanishes";
  /** Its result lies in the message or the control table, and cannot get lost alone. */
  readonly inline: boolean;
  /** Every execution gives another result, as a task does that reads a clock. */
  readonly fickle: boolean;
  /** Its result is there from the beginning. */
  readonly cached: boolean;
  /** Its result is not cached: it need not be stored where nobody but one task behind it needs it. */
  readonly uncached?: boolean;
}

export interface ScenarioRun {
  /** Positions of the tasks asked for. */
  readonly targets: readonly number[];
  /** When it is opened, in the time of its driver. */
  readonly atMs: number;
  readonly failFast: boolean;
  /** What it may cost, in dollars. */
  readonly maxCostUsd?: number;
  /** `only`: not the run, but one of its tasks, in all runs; that never drains. */
  readonly cancel: { readonly atMs: number; readonly drain: boolean; readonly only?: number } | undefined;
}

/** A driver and its runs. It closes when they are over, or dies before that. */
export interface ScenarioLife {
  readonly runs: readonly ScenarioRun[];
  readonly crashAtMs: number | undefined;
  /** Everything is computed anew. */
  readonly bustCache: boolean;
  /** Earlier runs have measured how long its tasks take. */
  readonly knowsDurations?: boolean;
}

/** One of several drivers of the same run. */
export interface ScenarioDriver {
  /** Stays with it when others are taken away. */
  readonly id: number;
  /** When it asks for the run. */
  readonly beginsAtMs: number;
  /** How far its clock is ahead. */
  readonly aheadMs: number;
  /** What becomes of it, so long after it has the run: it dies, is stopped for a while, or gives the run away. */
  readonly fate:
    | { readonly kind: "dies" | "leaves"; readonly atMs: number }
    | { readonly kind: "stops"; readonly atMs: number; readonly forMs: number }
    | undefined;
}

/** Everything one seed decides before the first step. */
export interface Scenario {
  readonly seed: number;
  readonly tasks: readonly ScenarioTask[];
  readonly offer: Offer;
  readonly concurrency: number;
  /** Invocations at once that the account really allows. */
  readonly quota: number;
  /** What V8 allows where nobody set a limit. */
  readonly heapMb: number;
  /** How likely each fault is, per attempt, call or message. */
  readonly rates: Readonly<Record<Fault, number>>;
  /** Faults that do not strike though chance says so. */
  readonly spared: readonly string[];
  /** When attempts get a second one beside them; absent for never. */
  readonly speculation?: SpeculationRule;
  /** Drivers, one after another, on the same control table. */
  readonly lives: readonly ScenarioLife[];
  /** Drivers of the only run of the only life, where there are several; the last one stays until it is over. */
  readonly drivers?: readonly ScenarioDriver[];
}

const MACHINE = {
  service: "local",
  name: "local",
  cpus: 3,
  memoryMb: 8_192,
  gpus: 0,
  resources: {},
  pooled: true,
} as const;
const LAMBDA = {
  service: "lambda",
  memoriesMb: [512, 1_024, 1_769, 3_538, 10_240],
  timeoutMs: 900_000,
  ephemeralStorageMb: 512,
  concurrency: 12,
} as const;

/** The most that a fault's rate may be; half of the scenarios go without it. */
const MOST: Readonly<Record<Fault, number>> = {
  "user-error": 0.2,
  death: 0.15,
  "out-of-memory": 0.05,
  eviction: 0.4,
  hang: 0.1,
  throttle: 0.3,
  "start-failure": 0.7,
  "lost-answer": 0.15,
  "second-delivery": 0.1,
  zombie: 0.08,
  "lost-letter": 0.1,
  "lost-kill": 0.5,
  "lost-object": 0.3,
  "duplicate-message": 0.15,
  "delayed-message": 0.2,
  "quota-change": 0.05,
  straggler: 0.2,
};

class Dice {
  readonly #random: () => number;

  /** @param of What is drawn: for each of a seed's parts chance goes on its own way. */
  constructor(seed: number, of = 0) {
    this.#random = seededRandom(seed + Math.imul(of, 0x9e37_79b1));
  }

  chance(probability: number): boolean {
    return this.#random() < probability;
  }

  between(low: number, high: number): number {
    return low + Math.floor(this.#random() * (high - low + 1));
  }

  pick<T>(values: readonly T[]): T {
    return values[this.between(0, values.length - 1)];
  }

  fraction(): number {
    return this.#random();
  }

  rate(most: number): number {
    return this.chance(0.5) ? this.#random() * most : 0;
  }
}

/** A scenario from a seed: a random DAG, a runner, drivers and their runs, and a mixture of misfortunes. */
export function scenarioOf(seed: number): Scenario {
  const chained = withReduction(withChains(wholeScenarioOf(seed), new Dice(seed, 75)), new Dice(seed, 90));
  const handing = withDraining(withHandles(chained, new Dice(seed, 40)), new Dice(seed, 30));
  const rare = withJoining(withUnwanted(handing, new Dice(seed, 10)), new Dice(seed, 20));
  const whole = { ...rare, ...speculationOf(new Dice(seed, 60)) };
  const dice = new Dice(seed, 25);
  return dice.chance(0.3) ? withDrivers(whole, dice) : whole;
}

/** In some scenarios with tasks that run tasks a run is cancelled, and another one wants the same at about that time. */
function withDraining(scenario: Scenario, dice: Dice): Scenario {
  if (!scenario.tasks.some(({ children }) => children.length > 0) || !dice.chance(0.3)) return scenario;
  const lives = scenario.lives.map((life): ScenarioLife => {
    const [first] = life.runs;
    const atMs = first.atMs + dice.between(0, 10_000);
    const again = { ...first, atMs: Math.max(first.atMs, atMs + dice.between(-3_000, 3_000)), cancel: undefined };
    return { ...life, runs: [{ ...first, cancel: { atMs, drain: dice.chance(0.8) } }, again, ...life.runs.slice(1)] };
  });
  return { ...scenario, lives };
}

/** In some scenarios scripts hand on handles that they have of other runs. */
function withHandles(scenario: Scenario, dice: Dice): Scenario {
  if (!dice.chance(0.4)) return scenario;
  const tasks = scenario.tasks.map((task, index): ScenarioTask => {
    const handles = index > 0 && dice.chance(0.3) ? [dice.between(0, index - 1)] : [];
    return { ...task, handles: handles.filter((each) => !task.dependencies.includes(each)) };
  });
  const putters = new Set(tasks.flatMap(({ handles }) => handles));
  const rates = { ...scenario.rates, "lost-object": Math.max(scenario.rates["lost-object"], dice.fraction()) };
  // What lies in a message or the control table is not lost alone.
  return { ...scenario, rates, tasks: tasks.map((task, at) => (putters.has(at) ? { ...task, inline: false } : task)) };
}

/** In some scenarios a run is cancelled whose tasks have put what those of another one miss. */
function withUnwanted(scenario: Scenario, dice: Dice): Scenario {
  const takers = scenario.tasks.flatMap(({ handles }, at) => (handles.length > 0 ? at : []));
  if (takers.length === 0 || !dice.chance(0.2)) return scenario;
  const putters = [...new Set(takers.flatMap((at) => scenario.tasks[at].handles))];
  const tasks = scenario.tasks.map((task, at): ScenarioTask => {
    if (!putters.includes(at)) return task;
    const nature = dice.chance(0.5) ? "vanishes" : task.nature;
    return { ...task, nature, durationMs: dice.between(20, 3_000), cached: false };
  });
  const all = tasks.map((_, at) => at);
  const lives = scenario.lives.map((life): ScenarioLife => {
    const atMs = dice.between(0, 10_000);
    const cancel = { atMs, drain: dice.chance(0.3), ...(dice.chance(0.1) ? { only: dice.pick(putters) } : {}) };
    const first = { targets: dice.chance(0.5) ? all : putters, atMs: 0, failFast: false, cancel };
    const second = {
      targets: takers,
      atMs: dice.between(Math.max(0, atMs - 300), atMs + 2_000),
      failFast: false,
      cancel: undefined,
    };
    return { ...life, runs: [first, second, ...life.runs.slice(1)] };
  });
  return { ...scenario, tasks, lives };
}

/** In some scenarios a run drains while tasks of its tasks are at work, and another one wants the same soon enough. */
function withJoining(scenario: Scenario, dice: Dice): Scenario {
  const parents = scenario.tasks.flatMap(({ children }, at) => (children.length > 0 ? at : []));
  if (parents.length === 0 || !dice.chance(0.15)) return scenario;
  const children = new Set(parents.flatMap((at) => scenario.tasks[at].children));
  const tasks = scenario.tasks.map((task, at): ScenarioTask => {
    if (!children.has(at)) return task;
    const policy = { ...task.policy, maxRetries: Math.max(1, task.policy.maxRetries) };
    return { ...task, policy, durationMs: dice.between(1_000, 4_000), dependencies: [], cached: false };
  });
  const lives = scenario.lives.map((life): ScenarioLife => {
    const atMs = dice.between(1_000, 5_000);
    const first = { targets: parents, atMs: 0, failFast: false, cancel: { atMs, drain: true } };
    const again = { ...first, atMs: atMs + dice.between(1, 500), cancel: undefined };
    return { ...life, runs: [first, again] };
  });
  const death = Math.max(scenario.rates.death, dice.fraction() / 2);
  return { ...scenario, tasks, lives, rates: { ...scenario.rates, death } };
}

/** Bold enough that a few dozen tasks bring second attempts. */
function speculationOf(dice: Dice): Pick<Scenario, "speculation"> {
  if (dice.chance(0.4)) return {};
  const rule = { quantile: dice.pick([0.5, 0.8, 0.95]), factor: dice.pick([1, 1.5, 2]), minDone: dice.between(1, 4) };
  return { speculation: rule };
}

/** Short tasks of known durations that need each other: executors go on from one to the next. */
function withChains(scenario: Scenario, dice: Dice): Scenario {
  if (!dice.chance(0.3)) return scenario;
  const longestMs = dice.pick([2, 2, 20]);
  const fansIn = dice.chance(0.5);
  const [{ demand }] = scenario.tasks;
  const tasks = scenario.tasks.map((task, index): ScenarioTask => {
    const maxRetries = dice.chance(0.9) ? Math.max(1, task.policy.maxRetries) : task.policy.maxRetries;
    const near = index > 0 && dice.chance(0.8) ? [dice.between(Math.max(0, index - 3), index - 1)] : [];
    const two = 2 * index - scenario.tasks.length;
    const pair = fansIn ? [two, two + 1].filter((each) => each >= 0 && each < index) : near;
    return {
      ...task,
      demand: dice.chance(0.9) ? demand : task.demand,
      policy: { ...task.policy, maxRetries },
      durationMs: dice.between(1, longestMs),
      dependencies: dice.chance(0.9) ? pair : task.dependencies,
      uncached: dice.chance(0.3),
    };
  });
  return { ...scenario, tasks, lives: scenario.lives.map((life) => ({ ...life, knowsDurations: true })) };
}

/** A reduction in the cloud whose tasks are too long to be done in one place: executors meet at its fan-ins. */
function withReduction(scenario: Scenario, dice: Dice): Scenario {
  const isCloud = scenario.offer.some(({ service }) => service === "lambda");
  if (!isCloud || !dice.chance(0.25)) return scenario;
  const [first] = scenario.tasks;
  const count = scenario.tasks.length;
  const width = dice.pick([2, 2, 3]);
  const tasks = scenario.tasks.map((task, index): ScenarioTask => {
    // As a heap from its end: the last task is the root.
    const inputs = Array.from({ length: width }, (_, at) => count - 1 - (width * (count - 1 - index) + 1 + at));
    return {
      ...task,
      type: "a",
      dependencies: inputs.filter((input) => input >= 0),
      children: dice.chance(0.03) ? task.children : [],
      demand: dice.chance(0.95) ? first.demand : task.demand,
      policy: { ...task.policy, maxRetries: Math.max(1, task.policy.maxRetries) },
      needsMb: 64,
      durationMs: dice.between(6, 24),
      cached: dice.chance(0.05),
    };
  });
  return { ...scenario, tasks, lives: scenario.lives.map((life) => ({ ...life, knowsDurations: true })) };
}

/** How far clocks of machines may differ, in milliseconds. */
const MOST_AHEAD_MS = 2_000;

/** The last life's first run, with several drivers one after another or at once. */
function withDrivers(scenario: Scenario, dice: Dice): Scenario {
  const { runs, knowsDurations = false } =
    scenario.lives.find(({ crashAtMs }) => crashAtMs === undefined) ?? scenario.lives[0];
  const [run] = runs;
  const life = {
    runs: [{ ...run, atMs: 0, cancel: undefined }],
    crashAtMs: undefined,
    bustCache: false,
    knowsDurations,
  };
  const count = dice.between(2, 4);
  const drivers = Array.from({ length: count }, (_, id): ScenarioDriver => {
    const atMs = dice.between(0, dice.chance(0.5) ? 2_000 : 30_000);
    const forMs = dice.between(1_000, dice.chance(0.7) ? 40_000 : 200_000);
    const fates = [
      { kind: "dies", atMs },
      { kind: "leaves", atMs },
      { kind: "stops", atMs, forMs },
    ] as const;
    const fate = dice.pick([...fates, fates[2], undefined]);
    const beginsAtMs = id === 0 ? 0 : dice.between(0, 30_000);
    return { id, beginsAtMs, aheadMs: dice.between(0, MOST_AHEAD_MS), fate: id === count - 1 ? undefined : fate };
  });
  return { ...scenario, lives: [life], drivers };
}

function wholeScenarioOf(seed: number): Scenario {
  const dice = new Dice(seed);
  const onAws = dice.chance(0.6);
  const offer: Offer = onAws
    ? [
        LAMBDA,
        ...(dice.chance(0.8) ? [{ service: "fargate", spot: true, maxEcsTasks: 6 } as const] : []),
        { service: "fargate", spot: false, maxEcsTasks: 6 },
      ]
    : [{ ...MACHINE, slots: dice.pick([1, 3]) }];
  const tasks = withChildren(new Dice(seed + 7_919), tasksOf(dice, onAws));
  const lives = livesOf(dice, tasks);
  return {
    seed,
    tasks,
    offer: dice.chance(0.3) ? offer.map((part) => slowed(part, dice)) : offer,
    concurrency: dice.chance(0.3) ? dice.between(1, 4) : 1_000,
    quota: dice.chance(0.3) ? dice.between(2, 10) : 1_000,
    heapMb: dice.pick([2_048, 4_096]),
    rates: Object.fromEntries(FAULTS.map((fault) => [fault, dice.rate(MOST[fault])])) as Record<Fault, number>,
    spared: [],
    // Tasks that run tasks are refused in a run with a bound on its cost.
    lives: tasks.some(({ children }) => children.length > 0)
      ? lives
      : lives.map((life) => withBounds(life, new Dice(seed, 50))),
  };
}

/** Quotas so small that they bind even a few tasks. */
function slowed(part: Offer[number], dice: Dice): Offer[number] {
  const pace = { burst: dice.between(1, 4), perSecond: dice.between(1, 10) / 10 };
  if (part.service === "lambda") return { ...part, newEnvironments: pace, copies: dice.between(1, 3) };
  return part.service === "fargate" ? { ...part, launches: pace } : part;
}

/** From what a few seconds on Lambda cost to what an hour on Fargate does, as powers of ten. */
const USD_EXPONENTS = [-5, -1] as const;

/** Some runs may cost no more than so much; drawn apart, so that all else is as it was without. */
function withBounds(life: ScenarioLife, dice: Dice): ScenarioLife {
  const [low, high] = USD_EXPONENTS;
  const bounded = (run: ScenarioRun) => ({ ...run, maxCostUsd: 10 ** (low + dice.fraction() * (high - low)) });
  const runs = life.runs.map((run) => (dice.chance(0.25) ? bounded(run) : run));
  const isBounded = runs.some(({ maxCostUsd }) => maxCostUsd !== undefined);
  return { ...life, runs, knowsDurations: isBounded && dice.chance(0.6) };
}

function tasksOf(dice: Dice, onAws: boolean): ScenarioTask[] {
  const count = dice.between(1, dice.chance(0.5) ? 12 : 50);
  const shortTypes = dice.chance(0.4);
  const manyFailures = dice.chance(0.2);
  const kind = (type: string) => ({
    type,
    demand: demandOf(dice, onAws),
    policy: { maxRetries: dice.between(0, 4), retryOn: dice.chance(0.7), maxOomRetries: dice.between(0, 2) },
    isPoison: manyFailures && dice.chance(0.15),
  });
  const kinds = ["a", "b", "b", "c"].map(kind);
  return Array.from({ length: count }, (_, index) => {
    const fanIn = dice.chance(0.6) ? dice.between(0, Math.min(3, index)) : 0;
    const dependencies = new Set<number>();
    while (dependencies.size < fanIn) dependencies.add(dice.between(Math.max(0, index - 8), index - 1));
    const { type, demand, policy, isPoison } = dice.pick(kinds);
    return {
      id: index,
      type,
      dependencies: [...dependencies],
      children: [],
      handles: [],
      demand,
      policy,
      durationMs: durationOf(dice, shortTypes || type === "a", onAws),
      paramBytes: dice.pick([10, 10, 1_000, 100_000]),
      resultBytes: dice.pick([10, 10, 50_000]),
      needsMb: dice.chance(0.2) ? dice.between(128, 6_000) : 64,
      nature: natureOf(dice, isPoison, manyFailures),
      inline: dice.chance(0.3),
      fickle: dice.chance(0.2),
      cached: dice.chance(0.1),
    };
  });
}

/** In some scenarios tasks run tasks. Dice of their own: the others stay as they are. */
function withChildren(dice: Dice, tasks: readonly ScenarioTask[]): ScenarioTask[] {
  if (!dice.chance(0.35)) return [...tasks];
  return tasks.map((task, index) => {
    if (!dice.chance(0.4)) return task;
    const children = new Set<number>();
    for (let count = dice.between(1, 3); count > 0 && index > 0; count--) children.add(dice.between(0, index - 1));
    if (dice.chance(0.03)) children.add(dice.between(index, tasks.length - 1));
    // What fails for good is tried again by each attempt that runs it: retries multiply with depth.
    const policy = { ...task.policy, maxRetries: Math.min(2, task.policy.maxRetries), retryOn: false };
    return { ...task, children: [...children], policy };
  });
}

function natureOf(dice: Dice, isPoison: boolean, manyFailures: boolean): ScenarioTask["nature"] {
  if (isPoison) return "kills";
  return manyFailures && dice.chance(0.15) ? dice.pick(["throws", "kills", "vanishes"]) : "works";
}

function durationOf(dice: Dice, isShort: boolean, onAws: boolean): number {
  if (isShort) return dice.between(1, 20);
  // Longer than a Lambda function may take.
  if (onAws && dice.chance(0.05)) return 1_000_000;
  return dice.between(20, 5_000);
}

function demandOf(dice: Dice, onAws: boolean): Demand {
  const memoryMb = dice.pick([128, 256, 512, 1_024, 2_048, onAws ? 12_000 : 4_096]);
  const executor =
    onAws && memoryMb <= 10_240 ? dice.pick([undefined, undefined, undefined, "lambda", "ecs"] as const) : undefined;
  const timeoutMs = dice.pick([undefined, undefined, undefined, undefined, 3_000, 60_000, 1_200_000]);
  return {
    numGpus: 0,
    spot: dice.chance(0.7),
    resources: {},
    ...(dice.chance(0.5) ? { memoryMb } : { numCpus: dice.pick([1, 1, 1, 2]) }),
    ...(executor ? { executor } : {}),
    // On Lambda alone it would be refused before anything ran.
    ...(timeoutMs && !(executor === "lambda" && timeoutMs > LAMBDA.timeoutMs) ? { timeoutMs } : {}),
  };
}

function livesOf(dice: Dice, tasks: readonly ScenarioTask[]): ScenarioLife[] {
  const all = tasks.map((_, index) => index);
  const isNeeded = new Set(tasks.flatMap(({ dependencies }) => dependencies));
  const sinks = all.filter((index) => !isNeeded.has(index));
  const run = (targets: readonly number[], atMs: number): ScenarioRun => {
    const cancel = dice.chance(0.15)
      ? {
          atMs: atMs + dice.between(0, 10_000),
          drain: dice.chance(0.5),
          ...(dice.chance(0.3) ? { only: dice.pick(all) } : {}),
        }
      : undefined;
    return { targets, atMs, failFast: dice.chance(0.15), cancel };
  };
  const runs = () => {
    const first = run(dice.chance(0.7) ? sinks : all, 0);
    if (dice.chance(0.6)) return [first];
    return [first, run(all.filter(() => dice.chance(0.3)).concat(dice.pick(all)), dice.between(0, 20_000))];
  };
  const lives: ScenarioLife[] = [];
  while (lives.length < 3 && dice.chance(0.2)) {
    lives.push({ runs: runs(), crashAtMs: dice.between(0, dice.chance(0.5) ? 500 : 60_000), bustCache: false });
  }
  lives.push({ runs: runs(), crashAtMs: undefined, bustCache: false });
  // The same once more, to be found in the cache; or computed anew, at the sizes that were learned.
  if (dice.chance(0.2)) lives.push({ runs: runs(), crashAtMs: undefined, bustCache: dice.chance(0.5) });
  return lives;
}
