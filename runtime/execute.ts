import { fingerprintOfInputs } from "../sdk/stores/inputs-fingerprint.ts";
import type { AttemptSpec } from "../sdk/wire/attempt.ts";
import { codecsOf } from "../sdk/wire/codec/classes.ts";
import { joinChunks } from "../sdk/wire/codec/codec.ts";
import type { Encoded } from "../sdk/wire/codec/frame.ts";
import { DEFINITION } from "../sdk/wire/definition.ts";
import { lostIn } from "../sdk/wire/object-lost-error.ts";
import type { Failure, Outcome, PassedOver, Usage } from "../sdk/wire/outcome.ts";
import { withinTrace } from "../sdk/wire/tracing.ts";
import { valueExtensions } from "../sdk/wire/value-extensions.ts";
import { asLoadFailure, loadParams, paramsInHand, withHanded } from "./attempt-inputs.ts";
import {
  asStoreFailure,
  commit,
  encodeResult,
  forgetTraces,
  heldBack,
  inlined,
  mayHold,
  store,
} from "./attempt-result.ts";
import type { ExecutionEnvironment } from "./execution-environment.ts";
import { StageClock } from "./stage-clock.ts";
import { taskContext } from "./task-context.ts";
import { toThrownError } from "./thrown-error.ts";

/** Stands for the result of an attempt that has waited too long. */
const SUSPENDED = Symbol("suspended");

/**
 * Executes one attempt: loads its inputs, runs the task, stores the result and commits it. The same
 * in a local process, in Lambda and in a container. Never throws: whatever happens is an outcome.
 */
export async function execute(ordered: AttemptSpec, environment: ExecutionEnvironment): Promise<Outcome> {
  const handing = ordered.handed ? withHanded(ordered, ordered.handed, environment.handed) : ordered;
  const spec = handing instanceof Promise ? await handing : handing;
  if (!spec) return passedOver("an attempt before it in its assignment has not handed its result on");
  const clock = new StageClock();
  let bytesIn = 0;
  let bytesOut = 0;
  const usage = (): Usage => clock.usage(bytesIn, bytesOut, environment.peakMemoryMb());
  const fail = (failure: Omit<Failure, "usage">): Failure => ({ ...failure, usage: usage() });
  const { objects } = environment.lab;
  /** It has no result, and cannot have one any more: nothing was on its way to the stores. */
  const without = async <O extends Outcome>(outcome: O): Promise<O> => {
    await objects.abandon();
    return outcome;
  };

  const extensions = valueExtensions(codecsOf(environment.definition));
  let params: unknown;
  try {
    const loaded = paramsInHand(spec, extensions) ?? (await loadParams(spec, environment, extensions));
    params = loaded.params;
    bytesIn = loaded.bytes;
  } catch (error) {
    return fail(asLoadFailure(objects.lossIn(error)));
  }
  clock.next();

  let result: unknown;
  try {
    const { lab } = environment;
    environment.begin?.();
    const ctx = taskContext(spec, environment, lab.objects);
    const running = withinTrace(spec.trace, () => environment.definition[DEFINITION].run(params, ctx));
    if (isThenable(running)) {
      result = await (lab.suspended ? Promise.race([running, lab.suspended.then(() => SUSPENDED)]) : running);
    } else result = running;
    // What is left of its code is told to end; nobody hears how it does.
    if (result === SUSPENDED) Promise.resolve(running).catch(() => {});
  } catch (thrown) {
    const lost = lostIn(thrown);
    if (lost) return without(fail(asLoadFailure(objects.lossIn(lost))));
    const error = toThrownError(thrown);
    return without(fail({ kind: "user-error", seen: `${error.names[0]}: ${error.message}`, error }));
  } finally {
    environment.lab.close();
    environment.ran?.();
  }
  if (result === SUSPENDED) return without({ kind: "suspended", usage: usage() });
  clock.next();

  const { returns } = environment.definition[DEFINITION];
  const named = new Set<string>();
  let encoded: readonly Encoded[];
  try {
    encoded = encodeResult(
      result,
      returns,
      objects.notingResult(({ object }) => named.add(object)),
    );
  } catch (thrown) {
    const error = toThrownError(thrown);
    return without(fail({ kind: "user-error", seen: error.message, error }));
  }
  try {
    bytesOut = encoded.reduce((sum, { byteLength }) => sum + byteLength, 0);
    const isUnstored = mayHold(spec, bytesOut, environment);
    const value = isUnstored
      ? { inline: joinChunks(encoded[0]) }
      : (inlined(encoded, returns, environment) ?? (await store(encoded, returns, spec, environment)));
    const result = {
      key: spec.key,
      namespace: environment.namespace,
      name: spec.name,
      version: spec.version,
      generation: spec.generation,
      keepMs: spec.keepMs,
      value,
      params: spec.params,
      runId: environment.runId,
      attempt: spec.attempt,
      endedAt: Date.now(),
      durationMs: clock.runMs,
      peakMemoryMb: environment.peakMemoryMb(),
      // Where nobody is asked before a pack is written, it has to be seen what results were computed from.
      inputs: environment.stores.table.packs && fingerprintOfInputs(spec.inputs),
    };
    const { isPacked } = environment;
    // Outcomes of those that are packed follow each other as they commit: nothing may come in between.
    if (isPacked) await forgetTraces({ named }, environment, extensions);
    const committing = commit(result, isUnstored, spec, environment);
    const committed = committing instanceof Promise ? await committing : committing;
    if (!committed) return { ...passedOver("a result that it was handed is not the one that counts"), usage: usage() };
    const forgetting = isPacked
      ? undefined
      : forgetTraces(committed.own ? { named } : committed, environment, extensions);
    if (forgetting) await forgetting;
    if (!committed.record)
      return { kind: "ok", value: heldBack(value, spec, environment), usage: usage(), unstored: true };
    return {
      kind: "ok",
      value: committed.record.value,
      usage: usage(),
      ...(environment.isPacked && result.inputs ? { inputs: result.inputs } : {}),
      ...(committed.own ? {} : { superseded: true }),
    };
  } catch (error) {
    return fail(asStoreFailure(error));
  }
}

const isThenable = (value: unknown): value is PromiseLike<unknown> =>
  typeof (value as PromiseLike<unknown> | null | undefined)?.then === "function";

const passedOver = (seen: string): PassedOver => ({ kind: "passed-over", seen });
