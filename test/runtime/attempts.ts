import { AttemptLab, type AttemptLabOptions } from "../../runtime/attempt-lab.ts";
import { AttemptCheckpoint } from "../../runtime/checkpoint.ts";
import { execute } from "../../runtime/execute.ts";
import type { ExecutionEnvironment } from "../../runtime/execution-environment.ts";
import type { Stores } from "../../sdk/stores/stores.ts";
import type { AttemptSpec } from "../../sdk/wire/attempt.ts";
import { encodeToBytes } from "../../sdk/wire/codec/codec.ts";
import { DEFINITION, type TaskContext } from "../../sdk/wire/definition.ts";
import { ObjectRef } from "../../sdk/wire/object-ref.ts";
import type { Outcome } from "../../sdk/wire/outcome.ts";
import { objectReferences, taskReferences } from "../../sdk/wire/references.ts";
import { valueExtensions } from "../../sdk/wire/value-extensions.ts";

export const KEY = "ef01";
export const INLINE = 200;
const RUN_STARTED_AT = 1_763_690_700_000;

/** Stands for a task in params. */
export class Dependency {
  readonly key: string;
  constructor(key: string) {
    this.key = key;
  }
}

/** Params as the driver sends them: tasks and handles in them are references. */
export const params = (value: unknown) => ({
  inline: encodeToBytes(value, {
    extensions: [
      taskReferences(
        (each) => each instanceof Dependency,
        (each) => [(each as Dependency).key, "train"],
      ),
      objectReferences(
        (each) => each instanceof ObjectRef,
        (each) => (each as ObjectRef<unknown>).slot,
      ),
    ],
  }),
});

export const spec = (changes: Partial<AttemptSpec> = {}): AttemptSpec => ({
  task: 0,
  attempt: 1,
  key: KEY,
  name: "train",
  version: "0123456789abcdef",
  params: { inline: encodeToBytes(undefined) },
  inputs: {},
  resources: { numCpus: 1, numGpus: 0 },
  generation: 0,
  ...changes,
});

/** `ctx.checkpoint` of an attempt, as its executor makes it. */
export const checkpointOf = (stores: Stores, attempt = 1, notBefore = 0, extensions = valueExtensions()) =>
  new AttemptCheckpoint({
    stores,
    taskKey: KEY,
    saver: { runStartedAt: RUN_STARTED_AT, attempt },
    inlineBytes: INLINE,
    notBefore,
    extensions: () => extensions,
  });

/** `ctx.lab` of an attempt that no driver is there for. */
export const labOf = (stores: Stores, spec: AttemptSpec, changes: Partial<AttemptLabOptions> = {}) =>
  new AttemptLab({
    stores,
    extensions: valueExtensions(),
    tools: undefined,
    planning: { namespace: "default", versions: new Map(), taskModule: "tasks.ts" },
    spec,
    runId: "run-1",
    inlineBytes: INLINE,
    abort: new AbortController(),
    send: () => {},
    ...changes,
  });

type Run = (params: never, context: TaskContext) => unknown;

/** Executes an attempt of a task that does this, in this process and on these stores. */
export function attempt(
  stores: Stores,
  run: Run,
  changes: Partial<AttemptSpec> = {},
  environment: Partial<ExecutionEnvironment> = {},
): Promise<Outcome> {
  const whole = spec(changes);
  const silent = () => {};
  const { lab = labOf(stores, whole) } = environment;
  return execute(whole, {
    stores,
    definition: { taskName: whole.name, [DEFINITION]: { run } } as never,
    runId: "run-1",
    namespace: "default",
    context: { region: "north" },
    abort: new AbortController(),
    log: { debug: silent, info: silent, warn: silent, error: silent },
    checkpoint: checkpointOf(stores, whole.attempt, 0, lab.objects.noting()),
    lab,
    inlineBytes: INLINE,
    peakMemoryMb: () => 12,
    ...environment,
  });
}
