// A stack as small as can be with a function, a bucket, a cluster and a task definition in it.

import { App, CfnOutput, Stack } from "aws-cdk-lib";
import { CfnCluster, ContainerImage, Ec2TaskDefinition, FargateTaskDefinition } from "aws-cdk-lib/aws-ecs";
import { Code, Function as LambdaFunction, Runtime } from "aws-cdk-lib/aws-lambda";
import { Bucket } from "aws-cdk-lib/aws-s3";

const app = new App();
const stack = new Stack(app, app.node.getContext("stackName"));
const outputs = {
  Bucket: new Bucket(stack, "TheBucket").bucketName,
  Cluster: new CfnCluster(stack, "TheCluster", { capacityProviders: ["FARGATE"] }).ref,
  Greeting: app.node.tryGetContext("greeting") ?? "",
};

const definition = new FargateTaskDefinition(stack, "Definition", { cpu: 256, memoryLimitMiB: 512 });
definition.addContainer("main", {
  image: ContainerImage.fromRegistry("node:22"),
  entryPoint: ["node", "-e"],
  command: ["console.log('from the stack')"],
});
outputs.TaskDefinition = definition.taskDefinitionArn;

const gpuDefinition = new Ec2TaskDefinition(stack, "TheGpuDefinition");
gpuDefinition.addContainer("main", {
  image: ContainerImage.fromRegistry("node:22"),
  command: ["sleep", "600"],
  memoryLimitMiB: 512,
  gpuCount: 1,
});
outputs.GpuDefinition = gpuDefinition.taskDefinitionArn;

outputs.Function = new LambdaFunction(stack, "TheFunction", {
  runtime: Runtime.NODEJS_22_X,
  handler: "index.handler",
  // Leaves a process behind that no one below this function will ever end.
  code: Code.fromInline(`exports.handler = async () => {
    const child = require("node:child_process").spawn("sleep", ["600"], { detached: true, stdio: "ignore" });
    child.unref();
    return { pids: [process.pid, child.pid], endpoint: process.env.AWS_ENDPOINT_URL, color: process.env.COLOR };
  };`),
}).functionName;

for (const [name, value] of Object.entries(outputs)) {
  if (value) new CfnOutput(stack, name, { value });
}
