import { setTimeout as sleep } from "node:timers/promises";
import type { Assignment } from "../sdk/wire/attempt.ts";
import type { Supervisor } from "./supervisor.ts";

/** What an attempt has to save its state, and then to end by itself, in milliseconds. */
const SAVE_MS = 5_000;
const GRACE_MS = 2_000;

/** Ends what an executor works on when nobody waits for it any more; what it saves is there for a later run. */
export async function endAlone(supervisor: Supervisor, assignment: Assignment | undefined): Promise<void> {
  if (!assignment) return;
  supervisor.notice("its driver is gone, and nobody has taken over");
  await sleep(SAVE_MS);
  const tasks = assignment.attempts.map(({ task }) => task);
  supervisor.cancel(assignment.id, tasks, GRACE_MS);
}
