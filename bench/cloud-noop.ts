import {
  CloudFormationClient,
  CreateStackCommand,
  DescribeStackResourceCommand,
  waitUntilStackCreateComplete,
} from "@aws-sdk/client-cloudformation";
import { InvokeCommand, LambdaClient } from "@aws-sdk/client-lambda";
import { aws, Lab } from "stratolab";
import type { LocalAws } from "../localstack/local-aws.ts";
import type { Benchmark, Figure } from "./benchmark.ts";
import { noop, noopAlone } from "./fixtures/noop-tasks.ts";
import { deployedLocalAws } from "./local-cloud.ts";

const TASKS = 2_000;
const IN_FLIGHT = 8;

let bareFunction = "";

/** What Lambda itself takes: tasks that do nothing, one an invocation and many, beside a loop of bare invocations. */
export const cloudNoop: Benchmark = {
  name: "cloud-noop",
  workload: `${TASKS.toLocaleString("en")} no-op tasks on the local AWS's Lambda, ${IN_FLIGHT} invocations in flight, every result durable`,
  runs: 3,
  async setUp() {
    const localAws = await deployedLocalAws(2 * IN_FLIGHT);
    try {
      bareFunction = await deployBareFunction(localAws);
    } catch (error) {
      await localAws.stop();
      throw error;
    }
    return () => localAws.stop();
  },
  async run(): Promise<Figure[]> {
    const lab = new Lab({
      tasks: new URL("./fixtures/noop-tasks.ts", import.meta.url),
      runner: aws(),
      namespace: `bench-${Date.now()}`,
      concurrency: IN_FLIGHT,
      progress: false,
    });
    try {
      // Environments are warm, and durations known.
      await invokeBare(4 * IN_FLIGHT);
      await lab.runTasks(Array.from({ length: 4 * IN_FLIGHT }, (_, i) => noopAlone({ i: -1 - i })));
      await lab.runTasks(Array.from({ length: 4 * IN_FLIGHT }, (_, i) => noop({ i: -1 - i })));
      const bare = TASKS / (await seconds(() => invokeBare(TASKS)));
      const measure = async (task: typeof noop) => {
        const tasks = Array.from({ length: TASKS }, (_, i) => task({ i }));
        return TASKS / (await seconds(() => lab.runTasks(tasks)));
      };
      const against = { what: "bare calls of Invoke, of a function that returns at once", value: bare };
      return [
        {
          what: "one task an invocation",
          value: await measure(noopAlone),
          unit: "tasks/s",
          against,
          goal: "0.9 of it",
        },
        { what: "batched", value: await measure(noop), unit: "tasks/s", against, goal: "20 times it" },
      ];
    } finally {
      await lab.close();
    }
  },
};

async function seconds(act: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await act();
  return (performance.now() - start) / 1_000;
}

/** A function that does nothing, beside the stack. */
async function deployBareFunction({ endpoint, region }: LocalAws): Promise<string> {
  const client = new CloudFormationClient({ endpoint, region });
  const StackName = "BareFunction";
  const Role = { Type: "AWS::IAM::Role", Properties: { AssumeRolePolicyDocument: {} } };
  const Properties = {
    Runtime: "nodejs20.x",
    Handler: "index.handler",
    Code: { ZipFile: "exports.handler = async (event) => event.i;" },
    Role: { "Fn::GetAtt": ["Role", "Arn"] },
  };
  const template = { Resources: { Role, Function: { Type: "AWS::Lambda::Function", Properties } } };
  await client.send(new CreateStackCommand({ StackName, TemplateBody: JSON.stringify(template) }));
  await waitUntilStackCreateComplete({ client, maxWaitTime: 60 }, { StackName });
  const found = await client.send(new DescribeStackResourceCommand({ StackName, LogicalResourceId: "Function" }));
  client.destroy();
  return found.StackResourceDetail?.PhysicalResourceId as string;
}

/** A loop of calls, as many at once as the lab's. */
async function invokeBare(count: number): Promise<void> {
  const client = new LambdaClient({});
  let next = 0;
  const lane = async () => {
    while (next < count) {
      const i = next++;
      const call = new InvokeCommand({ FunctionName: bareFunction, Payload: JSON.stringify({ i }) });
      const { Payload } = await client.send(call);
      if (Payload?.transformToString() !== String(i)) throw new Error("the bare function gave a wrong answer");
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, lane));
  client.destroy();
}
