import { tmpdir } from "node:os";
import { expect, test } from "vitest";
import { cli } from "./run-cli.ts";

interface Found {
  readonly check: string;
  readonly status: string;
  readonly found: string;
  readonly fix?: string;
}
const doctor = async (...args: string[]) => {
  const { exitCode, stdout } = await cli(tmpdir(), ["doctor", "--json", ...args], process.env);
  return { exitCode, findings: JSON.parse(stdout).findings as Found[] };
};

test("all is well on a deployed stack, but for the few executions of a new account", async () => {
  const { exitCode, findings } = await doctor();
  expect(findings.filter(({ status }) => status === "error")).toEqual([]);
  expect(exitCode).toBe(0);
  const checks = findings.map(({ check }) => check);
  for (const check of ["stack", "permission dynamodb:PutItem", "permission s3:GetObject", "permission ecs:StopTask"]) {
    expect(checks).toContain(check);
  }
  expect(checks.slice(-2)).toEqual(["a task on lambda", "a task on fargate"]);
  const quota = findings.find(({ check }) => check.startsWith("quota"));
  expect(quota).toMatchObject({ status: "warning", fix: expect.stringMatching(/^ask for more: https:/) });
});

test("a stack that is not there is an error, with the command that makes it", async () => {
  const { exitCode, findings } = await doctor("--stack", "Nowhere");
  expect(exitCode).toBe(1);
  expect(findings.at(-1)).toMatchObject({
    check: "stack",
    status: "error",
    found: "there is no stack Nowhere in region us-east-1",
    fix: expect.stringMatching(/npx cdk deploy -c stackName=Nowhere/),
  });
});
