import { inspect, isDeepStrictEqual } from "node:util";
import { readHistory } from "../../sdk/history/run-history.ts";
import { type TaskStatus, taskHistories } from "../../sdk/history/task-history.ts";
import { shownTask } from "../../sdk/history/task-text.ts";
import { oneLine } from "../../sdk/progress/text.ts";
import type { RunInfo } from "../../sdk/runs.ts";
import type { ResultRecord } from "../../sdk/stores/result-items.ts";
import { readResults } from "../../sdk/stores/results.ts";
import type { Stores } from "../../sdk/stores/stores.ts";
import { loadValue } from "../../sdk/stores/values.ts";
import { shownClasses } from "../../sdk/wire/codec/classes.ts";
import { madeObjectReferences } from "../../sdk/wire/references.ts";
import { slotBytes } from "../../sdk/wire/slot.ts";
import { print } from "../print.ts";
import type { NamespaceOptions } from "../store-options.ts";
import { size } from "../table.ts";

/** What became of a task that was asked for. */
interface TargetResult {
  readonly position: number;
  readonly task: string;
  readonly status: TaskStatus;
  /** Of the stored value. */
  readonly bytes?: number;
  /** Where it is what JSON can say. */
  readonly value?: unknown;
  /** Where it is not, or is too large. */
  readonly preview?: string;
  /** Why there is none. */
  readonly error?: string;
}

/** Larger values are not fetched for being looked at. */
const LARGEST_BYTES = 1_000_000;
const LONGEST_TEXT = 100;

/** `stratolab runs results <run>`: the results of the tasks that the run was asked for, in their order. */
export async function showResults(stores: Stores, run: RunInfo, { json }: NamespaceOptions): Promise<void> {
  const { plan, events } = await readHistory(stores, run.namespace, run.id);
  const histories = taskHistories(plan, events);
  const records = await readResults(
    stores.table,
    plan.targets.map((target) => {
      const { key, name, version } = plan.tasks[target];
      return { key, namespace: run.namespace, name, version };
    }),
  );
  const results = await Promise.all(
    plan.targets.map(async (position, index): Promise<TargetResult> => {
      const { status, failure } = histories[position];
      const asked = { position, task: shownTask(plan, position), status };
      if (failure) return { ...asked, error: failure.message };
      const record = records[index];
      if (record) return { ...asked, bytes: slotBytes(record.value), ...(await seen(stores, record)) };
      const isThere = status === "done" || status === "cached";
      return { ...asked, error: isThere ? "it is not stored any more" : "there is none yet" };
    }),
  );
  print(json, results, describe);
}

/** A value as JSON if that says all of it, and else as one would print it. */
async function seen(
  { objects }: Stores,
  { value: slot }: ResultRecord,
): Promise<Pick<TargetResult, "value" | "preview">> {
  if (slotBytes(slot) > LARGEST_BYTES) return { preview: "(too large to show)" };
  const named = (what: string) => ({ [inspect.custom]: () => what });
  try {
    const value = await loadValue(objects, slot, [
      madeObjectReferences(() => named("ObjectRef")),
      shownClasses((name) => named(`${name} {…}`)),
    ]);
    if (isDeepStrictEqual(asJson(value), value)) return { value };
    return { preview: inspect(value, { depth: 3, maxArrayLength: 10, maxStringLength: 100 }) };
  } catch (error) {
    return { preview: `(lost: ${(error as Error).message})` };
  }
}

function asJson(value: unknown): unknown {
  try {
    return JSON.parse(JSON.stringify(value));
  } catch {
    // Cycles and BigInts.
    return undefined;
  }
}

const describe = (results: readonly TargetResult[]) =>
  results
    .map(({ position, task, status, value, preview, error, bytes = 0 }) => {
      const what = error ?? preview ?? JSON.stringify(value) ?? "undefined";
      const text = oneLine(what.replaceAll(/\s*\n\s*/g, " "));
      const cut = text.length > LONGEST_TEXT && error === undefined;
      const shown = cut ? `${text.slice(0, LONGEST_TEXT)}… (${size(bytes)})` : text;
      return `#${position} ${oneLine(task)}: ${error === undefined ? "" : `${status}: `}${shown}`;
    })
    .join("\n");
