// Starts a local AWS with an ECS task in it, tells which processes those are, and waits to be killed.

import { CreateClusterCommand } from "@aws-sdk/client-ecs";
import type { DriverName } from "../../localstack/ecs/choose-driver.ts";
import { startLocalAws } from "../../localstack/local-aws.ts";
import { CLUSTER, ecsClient, register, run, until } from "./ecs-helpers.ts";

const [driver = "process", image = "node:22"] = process.argv.slice(2);
const localAws = await startLocalAws({ driver: driver as DriverName, ecs: { startDelayMs: 0 } });
const client = ecsClient(localAws);
await client.send(new CreateClusterCommand({ clusterName: CLUSTER }));
const script = `const { spawn } = require("node:child_process");
  const child = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], { detached: true, stdio: "ignore" });
  console.log(process.pid + " " + child.pid); setInterval(() => {}, 1000);`;
const container = { image, entryPoint: [process.execPath, "-e"] };
const { tasks } = await run(client, await register(client, "holder", script, container));
const line = await until(() => localAws.ecs.lines(tasks![0]!.taskArn!)[0]);
process.stdout.write(`${JSON.stringify({ pids: line.text.split(" ").map(Number), endpoint: localAws.endpoint })}\n`);
