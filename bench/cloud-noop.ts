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
/** Bare calls that are enough to know how fast they are. */
const CALLS = 250;
const IN_FLIGHT = 8;

/** Functions that do nothing, and nothing but a write, with what Node has itself. */
const BARE = "exports.handler = async (event) => event.i;";
const WRITING = `
  const http = require("node:http");
  const agent = new http.Agent({ keepAlive: true });
  const authorization = "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=none";
  const target = { "content-type": "application/x-amz-json-1.0", "x-amz-target": "DynamoDB_20120810.PutItem" };
  const put = (Item) => new Promise((resolve, reject) => {
    const options = { agent, method: "POST", headers: { authorization, ...target } };
    const request = http.request(process.env.AWS_ENDPOINT_URL, options, (answer) => {
      answer.resume().on("end", () => answer.statusCode === 200 ? resolve() : reject(new Error("" + answer.statusCode)));
    });
    request.on("error", reject).end(JSON.stringify({ TableName: process.env.TABLE, Item }));
  });
  exports.handler = async ({ i }) => {
    await put({ pk: { S: "bare" }, sk: { S: String(i) }, e: { B: Buffer.alloc(120, i).toString("base64") } });
    return i;
  };
`;

interface BareFunctions {
  readonly Bare: string;
  readonly Writing: string;
}

let functions: BareFunctions;

/** What Lambda itself takes: tasks that do nothing, one an invocation and many, beside a loop of bare invocations. */
export const cloudNoop: Benchmark = {
  name: "cloud-noop",
  workload: `${TASKS.toLocaleString("en")} no-op tasks on the local AWS's Lambda, ${IN_FLIGHT} invocations in flight, every result durable`,
  runs: 3,
  async setUp() {
    const localAws = await deployedLocalAws(2 * IN_FLIGHT);
    try {
      functions = await deployBareFunctions(localAws);
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
      await invoke(functions.Bare, 4 * IN_FLIGHT);
      await invoke(functions.Writing, 4 * IN_FLIGHT);
      await lab.runTasks(Array.from({ length: 4 * IN_FLIGHT }, (_, i) => noopAlone({ i: -1 - i })));
      await lab.runTasks(Array.from({ length: 4 * IN_FLIGHT }, (_, i) => noop({ i: -1 - i })));
      const bare = CALLS / (await seconds(() => invoke(functions.Bare, CALLS)));
      const writing = CALLS / (await seconds(() => invoke(functions.Writing, CALLS)));
      const measure = async (task: typeof noop) => {
        const tasks = Array.from({ length: TASKS }, (_, i) => task({ i }));
        return TASKS / (await seconds(() => lab.runTasks(tasks)));
      };
      const against = { what: "bare calls of Invoke, of a function that returns at once", value: bare };
      const alone = await measure(noopAlone);
      return [
        { what: "one task an invocation", value: alone, unit: "tasks/s", against, goal: "0.9 of it" },
        {
          what: "the same beside what every durable result takes",
          value: alone,
          unit: "tasks/s",
          against: { what: "bare calls of a function that writes an item of the same size", value: writing },
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

/** The bare functions, and a table, beside the stack. */
async function deployBareFunctions({ endpoint, region }: LocalAws): Promise<BareFunctions> {
  const client = new CloudFormationClient({ endpoint, region });
  const StackName = "BareFunctions";
  const Role = { Type: "AWS::IAM::Role", Properties: { AssumeRolePolicyDocument: {} } };
  const keys = [
    { AttributeName: "pk", KeyType: "HASH" },
    { AttributeName: "sk", KeyType: "RANGE" },
  ];
  const Table = {
    Type: "AWS::DynamoDB::Table",
    Properties: {
      BillingMode: "PAY_PER_REQUEST",
      KeySchema: keys,
      AttributeDefinitions: keys.map(({ AttributeName }) => ({ AttributeName, AttributeType: "S" })),
    },
  };
  const functionOf = (ZipFile: string) => ({
    Type: "AWS::Lambda::Function",
    Properties: {
      Runtime: "nodejs20.x",
      Handler: "index.handler",
      Code: { ZipFile },
      Environment: { Variables: { TABLE: { Ref: "Table" } } },
      Role: { "Fn::GetAtt": ["Role", "Arn"] },
    },
  });
  const template = { Resources: { Role, Table, Bare: functionOf(BARE), Writing: functionOf(WRITING) } };
  await client.send(new CreateStackCommand({ StackName, TemplateBody: JSON.stringify(template) }));
  await waitUntilStackCreateComplete({ client, maxWaitTime: 60 }, { StackName });
  const nameOf = async (LogicalResourceId: keyof BareFunctions) => {
    const found = await client.send(new DescribeStackResourceCommand({ StackName, LogicalResourceId }));
    return found.StackResourceDetail?.PhysicalResourceId as string;
  };
  const names = { Bare: await nameOf("Bare"), Writing: await nameOf("Writing") };
  client.destroy();
  return names;
}

/** A loop of calls, as many at once as the lab's. */
async function invoke(FunctionName: string, count: number): Promise<void> {
  const client = new LambdaClient({});
  let next = 0;
  const lane = async () => {
    while (next < count) {
      const i = next++;
      const call = new InvokeCommand({ FunctionName, Payload: JSON.stringify({ i }) });
      const { Payload } = await client.send(call);
      if (Payload?.transformToString() !== String(i)) throw new Error("the bare function gave a wrong answer");
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, lane));
  client.destroy();
}
