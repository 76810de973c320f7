import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { DynamoDBClient, ListTablesCommand } from "@aws-sdk/client-dynamodb";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { connectLocalAws } from "../../localstack/faults/control.ts";
import { type LocalAws, startLocalAws } from "../../localstack/local-aws.ts";
import { startProgram } from "./commands.ts";

let localAws: LocalAws;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "stratolab-faults-"));
  localAws = await startLocalAws({
    faults: { seed: 3, rules: [{ fault: "throttle", operation: "dynamodb:ListTables" }] },
  });
});
afterAll(async () => {
  await localAws?.stop();
  await rm(folder, { recursive: true, force: true });
});

/** Runs `stratolab localstack faults` as a process of its own. */
async function faults(args: readonly string[], endpoint = localAws.endpoint) {
  const program = startProgram("../../cli/main.ts", ["localstack", "faults", ...args, "--endpoint", endpoint]);
  const { exitCode, errors } = await program.ended;
  return { exitCode, errors, output: await program.output };
}

const file = async (name: string, content: string): Promise<string> => {
  await writeFile(path.join(folder, name), content);
  return path.join(folder, name);
};

describe("stratolab localstack faults", () => {
  it("lists what was given at the start, and counts what it hit", async () => {
    const client = new DynamoDBClient({
      endpoint: localAws.endpoint,
      region: localAws.region,
      credentials: { accessKeyId: "test", secretAccessKey: "test" },
      maxAttempts: 1,
    });
    await expect(client.send(new ListTablesCommand({}))).rejects.toMatchObject({ name: "ThrottlingException" });
    client.destroy();
    const listed = await faults(["list"]);
    expect(listed.output).toMatch(
      /^seed 3\nRULE +FAULT +MATCHED +HIT\nthrottle-1 +throttle operation="dynamodb:.*" +1 +1\n$/,
    );
    const counted = await faults(["counts", "--reset"]);
    expect(counted.output).toMatch(/dynamodb:ListTables +1 +0 +0 +1 +1 throttle/);
    expect((await faults(["counts"])).output).toBe("no requests yet\n");
  });

  it("sets rules of a file and of the command line, as JSON or in short", async () => {
    const plan = await file(
      "plan.json",
      '{"seed": 5, "rules": [{"fault": "crash", "nth": [1, 2]}], "limits": {"concurrentInvocations": 10}}',
    );
    const { exitCode, output } = await faults([
      "set",
      plan,
      ...["--rule", "latency delayMs=20 operation=s3:*"],
      ...["--rule", '{"fault": "stop", "stopCode": "New", "reason": "a b"}'],
      ...["--seed", "9", "--json"],
    ]);
    expect(exitCode).toBe(0);
    expect(JSON.parse(output)).toEqual({
      seed: 9,
      limits: { concurrentInvocations: 10 },
      rules: [
        { id: "crash-1", rule: { fault: "crash", nth: [1, 2] }, matched: 0, hits: 0 },
        { id: "latency-2", rule: { fault: "latency", delayMs: 20, operation: "s3:*" }, matched: 0, hits: 0 },
        { id: "stop-3", rule: { fault: "stop", stopCode: "New", reason: "a b" }, matched: 0, hits: 0 },
      ],
    });
    expect((await faults(["clear"])).output).toBe("no faults are set\n");
    expect((await localAws.faults.list()).rules).toEqual([]);
  });

  it("explains itself", async () => {
    const { exitCode, output } = await faults(["set", "--help"]);
    expect(exitCode).toBe(0);
    expect(output).toContain('--rule "throttle operation=lambda:Invoke rate=0.05"');
  });

  it.each([
    [
      "a rule that means nothing",
      ["set", "--rule", "throttle rate=5"],
      "rule 1 (throttle): rate must be a number from 0 to 1, got 5: 5 % is 0.05",
    ],
    ["a file that is not there", ["set", "/no/such/file"], "cannot read the faults: ENOENT"],
    ["nothing to set", ["set"], "nothing to set: give a file or --rule"],
  ])("is one line and exit 1 for %s", async (_, args, message) => {
    const { exitCode, errors, output } = await faults(args);
    expect([exitCode, output]).toEqual([1, ""]);
    expect(errors).toMatch(/^stratolab: [^\n]+\n$/);
    expect(errors).toContain(message);
  });

  it("is one line and exit 1 where no local AWS is", async () => {
    const { exitCode, errors } = await faults(["list"], "http://127.0.0.1:9");
    expect(exitCode).toBe(1);
    expect(errors).toMatch(/^stratolab: no local AWS answers at http:\/\/127\.0\.0\.1:9: start one with [^\n]+\n$/);
  });
});

describe("npm run localstack --faults", () => {
  it("begins with the faults of a file, and tells the seed", async () => {
    const plan = await file("start.json", '{"rules": [{"fault": "reset-before", "rate": 0.5}]}');
    const args = [
      "--no-deploy",
      "--json",
      "--port=0",
      "--endpoint",
      localAws.endpoint,
      "--faults",
      plan,
      "--seed",
      "21",
    ];
    const command = startProgram("../../localstack/main.ts", args);
    const { env, seed } = JSON.parse(await command.firstLine) as { env: Record<string, string>; seed: number };
    expect(seed).toBe(21);
    const { faults } = connectLocalAws(env.AWS_ENDPOINT_URL);
    expect(await faults.list()).toMatchObject({ seed: 21, rules: [{ id: "reset-before-1" }] });
    command.child.kill("SIGINT");
    expect((await command.ended).exitCode).toBe(0);
  });

  it("refuses what means nothing before it starts anything", async () => {
    const plan = await file("wrong.json", '{"rules": [{"fault": "oom"}]}');
    const { exitCode, errors } = await startProgram("../../localstack/main.ts", ["--no-deploy", "--faults", plan])
      .ended;
    expect(exitCode).toBe(1);
    expect(errors).toMatch(/^error: .*wrong\.json: rule 1: fault must be one of latency, [^\n]*got "oom"\n$/);
  });
});
