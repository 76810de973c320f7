import { readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { describe, expect, test } from "vitest";
import { Project } from "../support/project.ts";
import { cli } from "./run-cli.ts";

const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));

describe("stratolab", () => {
  test("says what there is", async () => {
    const { exitCode, stdout, stderr } = await cli(tmpdir(), ["--help"]);
    expect([exitCode, stderr]).toEqual([0, ""]);
    expect(stdout).toMatch(/^Usage: stratolab .*\btasks\b.*\bdeploy\b/s);
  });

  test("says its version", async () => {
    expect(await cli(tmpdir(), ["--version"])).toEqual({ exitCode: 0, stdout: `${version}\n`, stderr: "" });
  });

  test.each([
    [[], /^Usage: stratolab/],
    [["serve"], /unknown command 'serve'/],
    [["task"], /unknown command 'task'\n.*Did you mean tasks\?/],
    [["--verbose"], /unknown option '--verbose'/],
    [["tasks", "--namespace"], /argument missing/],
    [["tasks", "a", "b"], /too many arguments/],
    [["plan", "--runner", "ray", "main.ts"], /'ray' is invalid. Allowed choices are local, inline, aws/],
    [["tasks", "--runner", "ray"], /'ray' is invalid. Allowed choices are local, inline, aws/],
  ])("refuses %j on standard error, with exit code 2 and no stack", async (args, message) => {
    const { exitCode, stdout, stderr } = await cli(tmpdir(), args);
    expect([exitCode, stdout]).toEqual([2, ""]);
    expect(stderr).toMatch(message);
    expect(stderr).not.toMatch(/^\s+at /m);
  });

  test.each([
    [{}, /^stratolab: cannot read the storage: no AWS region is set\. Set AWS_REGION.*\n$/],
    [{ AWS_REGION: "us-east-1" }, /^stratolab: cannot read the storage: AWS does not accept who you are .*\n$/],
  ])("says in a line what is missing to read a bucket, with %j", async (given, message) => {
    const nothing = { AWS_ACCESS_KEY_ID: "", AWS_SECRET_ACCESS_KEY: "", AWS_REGION: "", AWS_DEFAULT_REGION: "" };
    const nowhere = { HOME: "/nowhere", AWS_EC2_METADATA_DISABLED: "true", AWS_PROFILE: "", ...nothing };
    const { exitCode, stdout, stderr } = await cli(tmpdir(), ["runs", "--storage", "s3://nope"], {
      ...nowhere,
      ...given,
    });
    expect([exitCode, stdout]).toEqual([1, ""]);
    expect(stderr).toMatch(message);
  });

  test("helps with each of its commands", async () => {
    for (const command of ["plan", "tasks", "runs", "gc", "deploy", "doctor", "completion"]) {
      const { exitCode, stdout } = await cli(tmpdir(), [command, "--help"]);
      expect(exitCode).toBe(0);
      expect(stdout).toMatch(new RegExp(`^Usage: stratolab ${command} `));
    }
  });
});

describe("stratolab deploy", () => {
  test("prints the stack's outputs as JSON, and nothing else to standard output", async () => {
    using project = new Project({
      "node_modules/aws-cdk-lib/package.json": "{}",
      "node_modules/aws-cdk/package.json": "{}",
      "node_modules/aws-cdk/bin/cdk": `
        console.log("deploying");
        const file = process.argv[process.argv.indexOf("--outputs-file") + 1];
        require("node:fs").writeFileSync(file, '{"Stratolab":{"Table":"t"}}');
      `,
    });
    const { exitCode, stdout, stderr } = await cli(project.folder, ["deploy", "--json"]);
    expect([exitCode, JSON.parse(stdout), stderr]).toEqual([0, { Stratolab: { Table: "t" } }, "deploying\n"]);
  });

  test("says what to install where there is no CDK", async () => {
    using project = new Project({});
    expect(await cli(project.folder, ["deploy"])).toEqual({
      exitCode: 1,
      stdout: "",
      stderr:
        'stratolab: the AWS CDK is not installed here. Run "npm install --save-dev aws-cdk@2 aws-cdk-lib constructs", then this again\n',
    });
  });

  test("hands everything on to the project's own CDK, and ends as that does", async () => {
    using project = new Project({
      "node_modules/aws-cdk-lib/package.json": "{}",
      "node_modules/aws-cdk/package.json": "{}",
      "node_modules/aws-cdk/bin/cdk": "console.log(JSON.stringify(process.argv.slice(2))); process.exit(7);",
    });
    const { exitCode, stdout } = await cli(project.folder, ["deploy", "-c", "gpu=true", "--require-approval", "never"]);
    expect(exitCode).toBe(7);
    expect(JSON.parse(stdout)).toEqual([
      "deploy",
      "--app",
      expect.stringMatching(/^node ".*infra[\\/]+app\.js"$/),
      "-c",
      "gpu=true",
      "--require-approval",
      "never",
    ]);
  });
});
