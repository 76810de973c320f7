/** A way to break the scheduler: each `find` stands exactly once in its file. */
export interface Mutation {
  /** What the broken scheduler does. */
  readonly name: string;
  readonly edits: readonly { readonly file: string; readonly find: string; readonly replace: string }[];
}

const mutation = (name: string, file: string, find: string, replace: string): Mutation => ({
  name,
  edits: [{ file, find, replace }],
});

const LADDER = "ladder.ts";
const SCHEDULER = "scheduler.ts";
const ENDS = "attempt-ends.ts";
const READINESS = "readiness.ts";
const INTEREST = "interest.ts";
const VERDICTS = "verdicts.ts";
const RUNGS = "rungs.ts";
const PARENTS = "parent-attempts.ts";
const LIFECYCLE = "lifecycle.ts";
const DISPATCHER = "dispatcher.ts";
const DISPATCHES = "dispatches.ts";
const SECONDS = "second-attempts.ts";
const PAUSES = "pool-pauses.ts";
const STARTS = "executor-starts.ts";

export const MUTATIONS: readonly Mutation[] = [
  // Budgets
  mutation(
    "charges evictions",
    LADDER,
    "      spent.spotInterruptions += 1;",
    '      spent.spotInterruptions += 1;\n      if (charged("evicted").action === "fail") return charged("evicted");',
  ),
  mutation(
    "charges throttles",
    LADDER,
    "      spent.throttles += 1;",
    '      spent.throttles += 1;\n      if (charged("throttled").action === "fail") return charged("throttled");',
  ),
  mutation("never charges", LADDER, "    spent.retries += 1;", ""),
  mutation(
    "retries once more than maxRetries",
    LADDER,
    "if (spent.retries >= policy.maxRetries) {",
    "if (spent.retries > policy.maxRetries) {",
  ),
  mutation(
    "retries user errors that are not in retryOn",
    LADDER,
    "if (!standing.retryable) return",
    "if (false) return",
  ),
  mutation(
    "ignores maxOomRetries",
    LADDER,
    "if (spent.oomAtTop >= policy.maxOomRetries) {",
    "if (spent.oomAtTop >= 1_000) {",
  ),
  mutation("charges a cut at the service's longest", LADDER, "if (standing.canOutlast) {", "if (false) {"),
  mutation("charges the first of several that may be to blame", ENDS, "(end?.culprit ?? only)", "open[0]?.task"),
  mutation(
    "charges one for the memory that others had",
    ENDS,
    "if (end.crowded) this.#goesApart(task);",
    "if (false);",
  ),
  mutation(
    "blames the last one left for the memory that all had",
    ENDS,
    "assignments.some(({ atOnce }) => atOnce > 1)",
    "false",
  ),
  mutation(
    "gives up a pool that has executors at work",
    DISPATCHER,
    "if (isServed || !brokenBy) return",
    "if (!brokenBy) return",
  ),
  mutation(
    "gives up a pool of which executors may still come",
    DISPATCHER,
    "if (this.#executors.starting(pool) > 0) {",
    "if (false) {",
  ),
  mutation(
    "keeps evicted tasks on Spot capacity",
    VERDICTS,
    'else if (decision.move === "leave-spot") rungs.leaveSpot(task);',
    "",
  ),
  mutation(
    "counts a start that was throttled as one that failed",
    PAUSES,
    'if (kind === "throttled") pause.throttles',
    "if (false) pause.throttles",
  ),
  mutation(
    "never gives up a pool that does not start",
    DISPATCHER,
    "if (isServed || !brokenBy) return",
    "if (true) return",
  ),

  // Sizes
  {
    name: "tries the size again that was too small",
    edits: [
      { file: VERDICTS, find: 'if (decision.move === "grow") tasks.rung[task] = rung + 1;\n    else ', replace: "" },
      { file: RUNGS, find: "if (tooSmallMb === 0) return;", replace: "return;" },
    ],
  },
  mutation(
    "does not tell siblings of a size that was too small",
    VERDICTS,
    "for (const sibling of dispatcher.takeQueued(type, memoryMb)) consequences.enqueue(sibling);",
    "",
  ),
  mutation(
    "forgets the sizes that earlier runs have learned",
    "sizing.ts",
    "for (const [bucket, memoryMb] of known) this.#note(type, bucket, memoryMb);",
    "",
  ),

  // Outcomes
  mutation(
    "believes failures of attempts that nobody awaits",
    ENDS,
    "const assignment = dispatcher.awaitedIn(assignmentId, task);\n    if (assignment) {",
    "const assignment = dispatcher.assignmentOf(task);\n    if (assignment) {",
  ),
  mutation(
    "settles a task again when its result is told twice",
    ENDS,
    "if (!tasks.isSettled(task)) lifecycle.settleDone(task);",
    "lifecycle.settleDone(task);",
  ),
  mutation(
    "drops a result that comes late",
    ENDS,
    "if (!tasks.isSettled(task)) lifecycle.settleDone(task);",
    "if (assignment && !tasks.isSettled(task)) lifecycle.settleDone(task);",
  ),
  mutation(
    "never runs the producer of a lost object again",
    VERDICTS,
    "lifecycle.reopen(lost, lifecycle.runsOf(task));",
    "",
  ),
  mutation(
    "does not wait for what it has missed where that is no input",
    VERDICTS,
    "lifecycle.waitForOthers(task, lost);",
    "",
  ),
  mutation(
    "looks for lost objects without end",
    LADDER,
    "if (spent.objectsLost >= BUDGETS.objectsLost) {",
    "if (spent.objectsLost >= 1_000) {",
  ),
  mutation(
    "makes a result again that vanishes each time",
    VERDICTS,
    "if (times <= BUDGETS.objectsLost || ",
    "if (times <= 1_000 || ",
  ),
  mutation("computes again what is cached", LIFECYCLE, "done: Done,", "done: Waiting,"),

  // Order
  mutation(
    "starts tasks before their inputs",
    LIFECYCLE,
    "if (this.#tasks.state[dependency] !== TaskState.Done) this.#tasks.pending[dependent] += 1;",
    "",
  ),
  mutation(
    "goes on with what also waits for something else",
    "chain.ts",
    "if (closed === this.#tasks.pending[dependent]) ready.push(dependent);",
    "ready.push(dependent);",
  ),
  mutation(
    "fetches a fan-in's other inputs behind it",
    "chain.ts",
    "if (isWaiting && !this.#tasks.everyDependency(task, this.visit)) return false;",
    "if (isWaiting) this.#tasks.everyDependency(task, this.visit);",
  ),
  mutation(
    "drops what was passed over",
    ENDS,
    "    dispatcher.closeAttempt(assignment, task);\n    this.takeBack(task);",
    "    dispatcher.closeAttempt(assignment, task);",
  ),
  mutation("leaves dependents of a failed task waiting", LIFECYCLE, "this.#failDependents(task, task);", ""),
  mutation(
    "loses the timer of a backoff",
    SCHEDULER,
    "this.#timers.add({ at: dueAt, purpose: Purpose.Backoff, subject: task });",
    "",
  ),
  mutation(
    "loses the timer of a pause",
    SCHEDULER,
    "this.#timers.add({ at: until, purpose: Purpose.Pump, subject: 0 });",
    "",
  ),
  mutation("does not wait before it tries again", READINESS, "if (this.#isBackingOff(task)) {", "if (false) {"),

  // Capacity
  mutation(
    "forgets to give capacity back",
    DISPATCHER,
    "    if (assignment.counted) this.#slots.giveBack(assignment);\n    if (assignment.executor === undefined) this.#pacing",
    "    if (assignment.executor === undefined) this.#pacing",
  ),
  mutation("ignores concurrency", DISPATCHER, "if (this.#assignments.active >= this.#options.concurrency) break;", ""),
  mutation(
    "lets what needs more memory wait behind what needs less",
    DISPATCHER,
    " && running.lane.name === queue.lane.name",
    "",
  ),
  {
    name: "lets suspects share an executor",
    edits: [
      { file: DISPATCHER, find: "alone || this.#tasks.apart[tasks.peek() as number] === 1", replace: "alone" },
      { file: DISPATCHER, find: "running.parked || this.#tasks.apart[running.tasks[0]]", replace: "running.parked" },
      { file: DISPATCHES, find: "if (table.apart[next] && tasks.length > 0) break;", replace: "" },
    ],
  },
  mutation(
    "takes no notice of an executor's end",
    SCHEDULER,
    "this.#ends.breakOff(this.#dispatcher.executorGone(event.executor), event.end);",
    "this.#dispatcher.executorGone(event.executor);",
  ),

  // Cost
  mutation(
    "begins what its run may not be able to pay",
    DISPATCHER,
    "|| !this.#dispatches.affords(tasks.peek() as number, lane)",
    "",
  ),
  mutation(
    "adds to a batch what its run may not be able to pay",
    DISPATCHES,
    "if (tasks.length > 0 && !this.affords(next, lane)) break;",
    "",
  ),
  mutation(
    "starts executors that nobody can pay",
    STARTS,
    "Math.min(possible, this.#affordedStarts(queue, run, eachUsd))",
    "possible",
  ),
  mutation("forgets what was spent", "spending.ts", "if (account) account.spentUsd += usd;", ""),
  mutation(
    "never gives back what was reserved",
    DISPATCHER,
    "    this.spending.releaseAll(assignment.id);\n    if (assignment.counted)",
    "    if (assignment.counted)",
  ),
  mutation(
    "ends a run that will get something back",
    "spending.ts",
    "      if (reservedUsd > ROUNDING_USD && reservedUsd > this.#stuckUsd(account, isStuck) + ROUNDING_USD) continue;\n",
    "",
  ),
  mutation(
    "reserves as for a moment what nobody has measured",
    "attempt-cost.ts",
    "return bound === Number.POSITIVE_INFINITY ? UNBOUNDED_MS : bound;",
    "return 1;",
  ),
  mutation(
    "goes on with a run that is spent",
    SCHEDULER,
    "const spent = this.#dispatcher.takeSpent();",
    "const spent = this.#dispatcher.takeSpent().slice(1);",
  ),

  // Pace
  mutation(
    "launches as many ECS tasks at once as are wanted",
    "pacing.ts",
    "const count = available >= wanted ? wanted : available - (available % perCall);",
    "const count = wanted;",
  ),
  mutation(
    "takes no notice of how fast a function gets environments",
    "environments.ts",
    "const room = state.bucket.available(now);",
    "const room = 1;",
  ),
  mutation(
    "never goes on with what the pace held back",
    SCHEDULER,
    "this.#timers.add({ at: heldUntil, purpose: Purpose.Pump, subject: 0 });",
    "",
  ),
  mutation(
    "forgets what it holds back for the stores",
    DISPATCHER,
    "if (until !== undefined) this.#pacing.hold(until);",
    "",
  ),

  // Cancelling
  mutation(
    "forgets to kill what is cancelled",
    SCHEDULER,
    'this.#out.push({ type: "kill", assignment: assignment.id, ...target, tasks: [task], reason });',
    "",
  ),
  mutation(
    "cancels what another run wants",
    LIFECYCLE,
    "if (isLeft && this.#interest.isWanted(task, (other) => !other.draining)) continue;",
    "",
  ),
  mutation(
    "tells a parent what was cancelled for want of those that wanted it",
    LIFECYCLE,
    "return this.#interest.runs[run].cut;",
    "return false;",
  ),
  mutation(
    "makes a parent again that nobody wants",
    PARENTS,
    "if (lifecycle.mayRetry(task)) {\n      lifecycle",
    "if (lifecycle.mayRetry(task) || true) {\n      lifecycle",
  ),
  {
    name: "holds against others what ended for want of interest",
    edits: [
      { file: LIFECYCLE, find: "this.isUnwanted(task) && !this.#interest.runs[run].draining;", replace: "false;" },
      { file: LIFECYCLE, find: "if (this.#tasks.unwanted[failed] && this.mayRetry(task)) {", replace: "if (false) {" },
    ],
  },
  mutation(
    "lets what drains end though another run has joined",
    LIFECYCLE,
    "if (!this.#interest.runs[run].draining) this.#goOnAgain(next);",
    "",
  ),
  mutation(
    "goes on with tasks that only want each other",
    INTEREST,
    "if (seen.has(parent)) return false;",
    "if (seen.has(parent)) return true;",
  ),
  mutation(
    "retries in a run that was cancelled",
    INTEREST,
    "return this.runsOf(task).some((run) => !this.runs[run].draining);",
    "return true;",
  ),

  // Tasks that run tasks
  mutation(
    "lets waiting attempts keep their slots",
    DISPATCHER,
    "this.#slots.park(assignment, true, this.#now);",
    "return [];",
  ),
  mutation(
    "leaves tasks behind one that waits",
    PARENTS,
    "for (const other of dispatcher.park(assignment, task)) consequences.takeBack(other);",
    "dispatcher.park(assignment, task);",
  ),
  mutation("forgets what a cancelled task runs", LIFECYCLE, "for (const run of nested) this.#orphan(run, false);", ""),
  mutation(
    "never resumes what was suspended",
    PARENTS,
    "else if (tasks.state[parent] === TaskState.Suspended) this.#resume(parent);",
    "",
  ),
  mutation("lets tasks wait for themselves", PARENTS, "    if (path) {", "    if (path && false) {"),
  mutation(
    "counts nobody who goes on",
    PARENTS,
    "if (assignment) dispatcher.goOn(assignment);\n    else",
    "if (assignment) return;\n    else",
  ),

  // Several drivers of a run
  mutation("never asks whether it still has the run", "lease.ts", "=> now >= until;", "=> false && now >= until;"),
  mutation(
    "goes on with a run that was taken",
    "lease.ts",
    'return found.holder === holder && found.epoch === epoch ? "held" : "taken";',
    'return "held";',
  ),
  mutation("takes a run that has a driver", "lease.ts", "return waitMs > 0 ?", "return waitMs > LEASE_MS ?"),
  mutation(
    "takes a run as soon as its lease has lapsed by its own clock",
    "lease.ts",
    "until + CLOCK_SKEW_MS - now",
    "until - now",
  ),
  mutation(
    "makes again what it has taken over",
    DISPATCHES,
    "    table.state[task] = TaskState.Running;\n    table.attempt[task] = attempt;",
    "    table.attempt[task] = attempt;",
  ),
  mutation("takes nothing over", RUNGS, "if (rung < 0 && onDemandRung < 0) return false;", "return false;"),
  mutation(
    "does not say what is in flight",
    "journal-entries.ts",
    "    assignments.push(",
    "    if (assignments.length > 999) assignments.push(",
  ),
  mutation(
    "forgets what it has taken over",
    "journal-entries.ts",
    "assignments.push(each.adoptedFrom ? takenOver(each, open, flying) : begunHere(id, each, open, flying));",
    "if (!each.adoptedFrom) assignments.push(begunHere(id, each, open, flying));",
  ),
  mutation(
    "writes over what a later driver has in flight",
    "fencing.ts",
    "value: epoch + 1,",
    "value: Number.POSITIVE_INFINITY,",
  ),

  // Second attempts
  {
    name: "gives a straggler a third attempt",
    edits: [
      { file: SECONDS, find: " || this.#had.has(id)) return undefined;", replace: ") return undefined;" },
      { file: SECONDS, find: "return isTwo || this.#known", replace: "return this.#known" },
    ],
  },
  mutation(
    "lets the slower of two attempts go on",
    DISPATCHER,
    "const ids = [this.#tasks.assignment[task], this.seconds.of(task)];",
    "const ids = [this.#tasks.assignment[task]];",
  ),
  mutation(
    "tries a task again while its other attempt runs",
    ENDS,
    "if (second === undefined || tasks.isSettled(task)) return false;",
    "return false;",
  ),
  mutation("gives second attempts what others wait for", DISPATCHES, "if (isWanted || assignments", "if (assignments"),
  mutation(
    "gives a second attempt whatever it costs",
    "speculate.ts",
    "run.onSecondsUsd + usd <= SHARE_OF_COST * run.spentUsd",
    "true",
  ),
  mutation(
    "gives a second attempt to what must not be begun twice",
    SECONDS,
    "isTwo || this.#known.isOnce(task) ||",
    "isTwo ||",
  ),
  mutation("takes each attempt for a straggler", SECONDS, "if (at > now) nextAt", "if (at > now + 600_000) nextAt"),
  mutation(
    "gives a second attempt to what runs tasks",
    SECONDS,
    "|| this.#parents.has(this.#known.typeOf(task)) ?",
    "?",
  ),
  mutation(
    "gives a second attempt at a size that was too small",
    SCHEDULER,
    " && !this.#rungs.isTooSmall(assignment)",
    "",
  ),
  mutation(
    "gives a second attempt in a run that was cancelled",
    SCHEDULER,
    "this.#lifecycle.mayRetry(assignment.tasks[0]) && !this.#rungs",
    "!this.#rungs",
  ),

  // Fan-ins
  mutation(
    "has executors go on in runs that may cost so much",
    "follow-ups.ts",
    "if (!fanIns || this.#known.isBounded(within[0])) return [];",
    "if (!fanIns) return [];",
  ),
  mutation(
    "forgets what an executor went on with",
    DISPATCHER,
    "    this.#assignments.join(assignment, task, this.#tasks.attempt[task]);",
    "",
  ),
];
