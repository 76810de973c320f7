import fc from "fast-check";
import { expect, test } from "vitest";
import type { Assignment, AttemptSpec } from "../../sdk/wire/attempt.ts";
import { type FromExecutor, frameMessage, MessageReader, type ToExecutor } from "../../sdk/wire/channel.ts";
import type { Usage } from "../../sdk/wire/outcome.ts";

const throughAPipe = (message: ToExecutor | FromExecutor) => {
  const [read] = new MessageReader<unknown>().push(frameMessage(message));
  return read;
};

const bytes = fc.uint8Array({ maxLength: 40 }).map((some) => Buffer.from(some));
const count = fc.nat({ max: 2 ** 40 });
const measured = fc.double({ min: 0, noNaN: true });
const usage: fc.Arbitrary<Usage> = fc.record({
  startedAt: count,
  endedAt: count,
  loadMs: measured,
  runMs: measured,
  storeMs: measured,
  cpuMs: measured,
  peakMemoryMb: count,
  bytesIn: count,
  bytesOut: count,
});
const slot = fc.oneof(
  { weight: 4, arbitrary: fc.record({ inline: bytes }) },
  fc.record({ object: fc.string(), bytes: count, hash: fc.string() }),
);
const outcome = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("ok" as const), value: slot, usage }) },
  fc.record({ kind: fc.constant("ok" as const), value: slot, usage, superseded: fc.constant(true as const) }),
  fc.record({ kind: fc.constant("user-error" as const), seen: fc.string() }),
);

test("an outcome is the same on the other side of a pipe", () => {
  const told = fc.record(
    {
      type: fc.constant("outcome" as const),
      assignment: fc.string(),
      task: count,
      attempt: count,
      outcome,
      spoken: fc.integer({ min: 1 }),
    },
    { requiredKeys: ["type", "assignment", "task", "attempt", "outcome"] },
  );
  fc.assert(
    fc.property(told, (message) => {
      expect(throughAPipe(message)).toEqual(message);
    }),
  );
});

const resources = fc.record(
  { numCpus: fc.integer({ min: 1, max: 2 }), numGpus: fc.constant(0), memoryMb: count, timeoutMs: count },
  { requiredKeys: ["numCpus", "numGpus"] },
);
const usual = {
  task: count,
  attempt: count,
  key: fc.string(),
  name: fc.constantFrom("a", "b"),
  version: fc.constantFrom("1", "2"),
  params: slot,
  inputs: fc.oneof(fc.constant({}), fc.dictionary(fc.stringMatching(/^[0-9a-f]{1,32}$/), slot)),
  resources,
  generation: count,
};
const unusual = { ...usual, keepMs: count, suspendAfterMs: count };
const spec = fc.oneof(fc.record(usual), fc.record(unusual));
const alike = fc
  .array(fc.record({ ...usual, params: fc.record({ inline: bytes }), inputs: fc.constant({}) }), { maxLength: 5 })
  .map((specs): AttemptSpec[] => {
    return specs.map((each) => ({ ...each, name: "a", version: "1", resources: { ...specs[0].resources } }));
  });

test("an assignment is the same on the other side of a pipe, whether or not its attempts are alike", () => {
  fc.assert(
    fc.property(fc.oneof(fc.array(spec, { maxLength: 5 }), alike), (attempts) => {
      const assignment: Assignment = {
        protocol: 1,
        id: "7",
        runId: "run",
        runStartedAt: 1,
        epoch: 1,
        namespace: "default",
        bundle: "hash",
        attempts,
        awaited: true,
        inlineBytes: 16_384,
      };
      expect(throughAPipe({ type: "assign", assignment })).toEqual({ type: "assign", assignment });
    }),
  );
});

test("attempts that share their resources do not share the object that tasks see", () => {
  const one = { name: "a", version: "1", params: { inline: Buffer.of(1) }, inputs: {}, generation: 0, attempt: 1 };
  const attempts = [1, 2].map((task) => ({ ...one, task, key: String(task), resources: { numCpus: 1, numGpus: 0 } }));
  const { assignment } = throughAPipe({ type: "assign", assignment: { attempts } as never }) as {
    assignment: Assignment;
  };
  expect(assignment.attempts[0].resources).not.toBe(assignment.attempts[1].resources);
});
