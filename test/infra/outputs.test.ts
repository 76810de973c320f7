import { Template } from "aws-cdk-lib/assertions";
import { App, Stack } from "aws-cdk-lib/core";
import { expect, test } from "vitest";
import { Stratolab } from "../../infra/index.ts";
import packageJson from "../../package.json" with { type: "json" };
import { PROTOCOL_VERSION } from "../../sdk/wire/protocol.ts";
import { type FunctionOutput, StackOutput } from "../../sdk/wire/stack-outputs.ts";
import { outputOf, synthesize } from "./synthesize.ts";

const { template } = synthesize({ gpu: true });

test("every output of the contract is there under its exact key", () => {
  expect(Object.keys(template.toJSON().Outputs).sort()).toEqual(Object.values(StackOutput).sort());
});

test("outputs say what the SDK asks for", () => {
  expect(outputOf(template, StackOutput.protocol)).toBe(String(PROTOCOL_VERSION));
  expect(outputOf(template, StackOutput.packageVersion)).toBe(packageJson.version);
  expect(outputOf(template, StackOutput.container)).toBe("executor");
  expect(outputOf(template, StackOutput.architecture)).toBe("arm64");
  const functions: FunctionOutput[] = JSON.parse(outputOf(template, StackOutput.functions));
  expect(functions.map(({ memoryMb }) => memoryMb)).toEqual([512, 1024, 1769, 3538, 7076, 10240]);
  expect(functions[0]).toEqual({
    name: expect.stringMatching(/^<LabFunctions512Mb/),
    memoryMb: 512,
    timeoutSeconds: 900,
    ephemeralStorageMb: 512,
  });
  expect(JSON.parse(outputOf(template, StackOutput.logGroups))).toEqual({
    lambda: expect.stringContaining("FunctionLogs"),
    ecs: expect.stringContaining("TaskLogs"),
  });
});

test("a user's own stack has the same keys beside its own", () => {
  const stack = new Stack(new App(), "Mine");
  new Stratolab(stack, "Lab");
  const keys = Object.keys(Template.fromStack(stack).toJSON().Outputs).sort();
  expect(keys).toEqual(
    Object.values(StackOutput)
      .filter((key) => key !== StackOutput.gpu)
      .sort(),
  );
});

test("a second lab in one stack is refused, because the keys are taken", () => {
  const stack = new Stack(new App(), "Mine");
  new Stratolab(stack, "Lab");
  expect(() => new Stratolab(stack, "Other")).toThrow("Got Mine/Other beside Mine/Lab. Put it in a stack of its own.");
});
