import { aws, Lab } from "stratolab";
import { afterAll, expect, it } from "vitest";
import { connectLocalAws } from "../../localstack/faults/control.ts";
import { add, chain, link, onEcs, tree } from "./fixtures/chain-tasks.ts";

const localAws = connectLocalAws();
let started: string[] = [];
const lab = new Lab({
  tasks: new URL("./fixtures/chain-tasks.ts", import.meta.url),
  runner: aws(),
  namespace: `chains-${Date.now()}`,
  progress: (event) => {
    if (event.type === "task-started") started.push(event.name);
  },
});
afterAll(() => lab.close());

/** Invocations of a run, and objects that executors have stored. */
async function requestsOf(run: () => Promise<unknown>) {
  await localAws.resetCounts();
  await run();
  const { operations } = await localAws.counts();
  const objects = operations["s3:PutObject"]?.fromExecutors ?? 0;
  return { invocations: operations["lambda:Invoke"]?.requests ?? 0, objects };
}

it("a chain and a tree take few invocations, and their small values no object", async () => {
  expect(await lab.runTask(chain(link, 20, 1))).toBe(20);
  await lab.runTask(add({ a: 0, b: 0, salt: 0 }));
  const ofChain = await requestsOf(async () => expect(await lab.runTask(chain(link, 200, 2))).toBe(200));
  expect(ofChain.invocations).toBeLessThan(199 / 4);
  const ofTree = await requestsOf(async () => expect(await lab.runTask(tree(128, 2))).toBe(8_128));
  expect(ofTree.invocations).toBeLessThanOrEqual(64);
  expect([ofChain.objects, ofTree.objects]).toEqual([0, 0]);
});

it("a chain goes on in a container, which tells of many links at once", async () => {
  expect(await lab.runTask(chain(onEcs as typeof link, 3, 1))).toBe(3);
  started = [];
  await localAws.resetCounts();
  expect(await lab.runTask(chain(onEcs as typeof link, 40, 2))).toBe(40);
  expect(started.length).toBeLessThan(39);
  // What it says, while its results are committed together.
  const { operations } = await localAws.counts();
  expect(operations["dynamodb:PutItem"]?.fromExecutors).toBeLessThan(30);
});
