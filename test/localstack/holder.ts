// Starts a local AWS with an ECS task in it, tells which processes those are, and waits to be killed.

import { CreateClusterCommand } from "@aws-sdk/client-ecs";
import { startLocalAws } from "../../localstack/local-aws.ts";
import { CLUSTER, ecsClient, register, run, until } from "./ecs-helpers.ts";

const localAws = await startLocalAws({ ecs: { startDelayMs: 0 } });
const client = ecsClient(localAws);
await client.send(new CreateClusterCommand({ clusterName: CLUSTER }));
const script = `const child = require("node:child_process").spawn("sleep", ["600"], { detached: true, stdio: "ignore" });
  console.log(process.pid + " " + child.pid); setInterval(() => {}, 1000);`;
const { tasks } = await run(client, await register(client, "holder", script));
const line = await until(() => localAws.ecs.lines(tasks![0]!.taskArn!)[0]);
process.stdout.write(`${JSON.stringify({ pids: line.text.split(" ").map(Number), endpoint: localAws.endpoint })}\n`);
