import type { Scheduler } from "../core/scheduler.ts";
import type { Aftermath } from "./aftermath.ts";
import type { Charges } from "./charges.ts";
import type { Chronicler } from "./chronicler.ts";
import type { CodeKeeper } from "./code-keeper.ts";
import type { DriverOptions } from "./driver-options.ts";
import type { EndedRuns } from "./ended-runs.ts";
import type { EventLoop } from "./event-loop.ts";
import type { EvidenceBook } from "./evidence.ts";
import type { InFlightBook } from "./in-flight.ts";
import type { JournalKeeper } from "./journal-keeper.ts";
import type { KeptFailures } from "./kept-failures.ts";
import type { LeftResults } from "./left-results.ts";
import type { LiveAttempts } from "./live-attempts.ts";
import type { NestedRuns } from "./nested-runs.ts";
import type { Placements } from "./placements.ts";
import type { ProgressTeller } from "./progress-teller.ts";
import type { ResultWays } from "./result-ways.ts";
import type { RunBook } from "./run-book.ts";
import type { RunClaims } from "./run-claims.ts";
import type { RunKeeper } from "./run-keeper.ts";
import type { TypeStatistics } from "./type-statistics.ts";

/** What a driver is made of; each stage takes what it needs. */
export interface DriverParts {
  readonly options: DriverOptions;
  readonly aftermath: Aftermath;
  readonly scheduler: Scheduler;
  readonly loop: EventLoop;
  readonly book: RunBook;
  readonly ended: EndedRuns;
  readonly leftResults: LeftResults;
  readonly inFlight: InFlightBook;
  readonly placements: Placements;
  readonly statistics: TypeStatistics;
  readonly code: CodeKeeper;
  readonly ways: ResultWays;
  readonly charges: Charges;
  readonly evidence: EvidenceBook;
  readonly nested: NestedRuns;
  readonly keptFailures: KeptFailures;
  readonly progress: ProgressTeller;
  readonly live: LiveAttempts;
  readonly claims: RunClaims;
  readonly keeper: RunKeeper;
  readonly chronicler: Chronicler;
  readonly journal: JournalKeeper;
}

/** Tells the user something that is no task's fault, now and in the run's chronicle. */
export function notice({ progress, chronicler }: Pick<DriverParts, "progress" | "chronicler">, text: string): void {
  progress.notice(text);
  chronicler.notice(text);
}
