import { aws, Lab, type ProgressEvent } from "stratolab";
import { expect, test } from "vitest";
import { connectLocalAws } from "../../localstack/faults/control.ts";
import { openAwsStores } from "../../sdk/stores/aws/open.ts";
import { StackOutput } from "../../sdk/wire/stack-outputs.ts";
import { cli } from "../cli/run-cli.ts";
import { thisStack } from "../support/this-stack.ts";
import { sized } from "./fixtures/sized-tasks.ts";

const localAws = connectLocalAws();

test("what S3, DynamoDB and Lambda refuse is made again; of storage it is told once of each kind, and the record has all of it", async () => {
  const told: ProgressEvent[] = [];
  await using lab = new Lab({
    tasks: new URL("./fixtures/sized-tasks.ts", import.meta.url),
    runner: aws(),
    namespace: `refused-${Date.now()}`,
    progress: (event) => told.push(event),
    concurrency: 2,
  });
  const made = (n: number) => sized({ bytes: 20_000, salt: Date.now() + n, service: "lambda" });
  await lab.runTasks([made(0)]);
  const notices = () => told.flatMap((event) => (event.type === "notice" ? event.text : [])).sort();
  expect(notices()).toEqual([]);
  await localAws.resetCounts();
  await using _faults = await localAws.faults.set({
    rules: [
      { fault: "throttle", operation: "s3:PutObject", from: "executors", count: 3 },
      { fault: "throttle", operation: ["dynamodb:PutItem", "dynamodb:UpdateItem"], from: "executors", count: 2 },
      { fault: "throttle", operation: "lambda:Invoke", count: 1 },
    ],
  });
  const results = await lab.runTasks([1, 2, 3, 4].map(made));
  expect(results.map(({ value }) => value.byteLength)).toEqual([20_000, 20_000, 20_000, 20_000]);
  const { operations } = await localAws.counts();
  // Four objects, and three requests that came to nothing.
  expect(operations["s3:PutObject"]).toMatchObject({ fromExecutors: 7, failed: 3 });
  expect(notices()).toEqual([
    expect.stringMatching(/^DynamoDB refuses writes as too many at once: .* warm throughput$/),
    expect.stringMatching(/^S3 refuses to store objects as too many at once: .* need no object$/),
  ]);
  // And is in the run's record, not in that of the one before.
  const [second, first] = await lab.runs();
  expect(second.refused).toEqual({ writes: 2, puts: 3, invocations: 1 });
  expect(first.refused).toBeUndefined();
  const { namespace, id } = second;
  const shown = await cli(process.cwd(), ["runs", "show", id, "--runner", "aws", "--namespace", namespace]);
  expect(shown.stdout).toMatch(/\nrefused +2 writes by DynamoDB, 3 PUTs by S3, 1 invocation by Lambda; made again\n/);
});

test("stores count what is refused of them, by kind, though it is made again", async () => {
  const { outputs } = thisStack();
  const address = { table: outputs[StackOutput.table], bucket: outputs[StackOutput.bucket] };
  const { objects, requests, table: items } = openAwsStores({ kind: "aws", ...address });
  const key = { pk: `REFUSED#${Date.now()}`, sk: "1" };
  await using _faults = await localAws.faults.set({
    rules: [
      { fault: "throttle", operation: "s3:PutObject", count: 1 },
      { fault: "throttle", operation: "s3:GetObject", count: 2 },
      { fault: "throttle", operation: "dynamodb:PutItem", count: 1 },
      { fault: "throttle", operation: "dynamodb:GetItem", count: 3 },
      // No refusal.
      { fault: "server-error", operation: "dynamodb:DeleteItem", count: 1 },
    ],
  });
  await items.put({ ...key, f: 1 });
  await items.get(key);
  await items.deleteIf(key, { when: "equals", attribute: "f", value: 1 });
  await objects.put(`content/re/${key.pk}`, { chunks: [Buffer.from("x")], byteLength: 1 });
  await objects.get(`content/re/${key.pk}`);
  expect(requests?.take()?.refused).toEqual({ reads: 3, writes: 1, puts: 1, gets: 2 });
  expect(requests?.take()).toBeUndefined();
});
